using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>One component being saved: its Model.key, and further entries beside it.</summary>
public sealed class ModelSaveContext : IDisposable
{
    internal readonly RepositoryWriter Repository;
    internal readonly string Directory;
    internal readonly BinaryWriter Writer;
    internal readonly long FpMin;
    internal ModelHeader Header;

    private readonly Repository.Entry _entry;
    private readonly List<string> _strings = [];
    private readonly Dictionary<string, int> _stringIds = [];
    private string _loaderAssemblyName;

    internal ModelSaveContext(RepositoryWriter rep, string dir, string name)
    {
        Contracts.CheckValue(rep, nameof(rep));
        Repository = rep;
        Directory = dir;
        _entry = rep.CreateEntry(dir, name);
        Writer = new BinaryWriter(_entry.Stream, Encoding.UTF8, leaveOpen: true);
        ModelHeader.BeginWrite(Writer, out FpMin, out Header);
    }

    private IExceptionContext Context => Repository.ExceptionContext;

    public void Dispose()
    {
        Writer.Dispose();
        _entry.Dispose();
    }

    internal void CheckAtModel() => Context.Check(Writer.BaseStream.Position == FpMin + Header.FpModel);

    internal void SetVersionInfo(VersionInfo ver)
    {
        ModelHeader.SetVersionInfo(ref Header, ver);
        _loaderAssemblyName = ver.LoaderAssemblyName;
    }

    /// <summary>A temporary file while it is written, deflated into the archive afterwards.</summary>
    internal void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        Context.CheckNonEmpty(name, nameof(name));
        Context.CheckValue(action, nameof(action));
        using Repository.Entry entry = Repository.CreateEntry(Directory, name);
        using var writer = new BinaryWriter(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(writer);
    }

    /// <summary>Writes the number of the string in the string table; null is -1.</summary>
    internal void SaveStringOrNull(string str)
    {
        if (str == null) Writer.Write(-1);
        else SaveString(str);
    }

    internal void SaveString(string str)
    {
        Context.CheckValue(str, nameof(str));
        if (_stringIds.TryAdd(str, _strings.Count)) _strings.Add(str);
        Writer.Write(_stringIds[str]);
    }

    internal void SaveNonEmptyString(string str)
    {
        Context.CheckNonEmpty(str, nameof(str));
        SaveString(str);
    }

    internal void SaveModel<T>(T value, string name) where T : class =>
        SaveModel(Repository, value, string.IsNullOrEmpty(Directory) ? name : $"{Directory}/{name}");

    /// <summary>What cannot be saved is left out.</summary>
    internal static void SaveModel<T>(RepositoryWriter rep, T value, string path) where T : class
    {
        if (value is not ICanSaveModel model) return;
        using var ctx = new ModelSaveContext(rep, path, ModelLoadContext.ModelStreamName);
        model.Save(ctx);
        ctx.Done();
    }

    private void Done()
    {
        Context.Check(Header.ModelSignature != 0, "ModelSignature not specified!");
        ModelHeader.EndWrite(Writer, FpMin, ref Header, _strings, _loaderAssemblyName);
    }
}
