using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What the constructor or Create method of a loadable model takes.</summary>
internal delegate void SignatureLoadModel(ModelLoadContext ctx);

/// <summary>One component being loaded: its Model.key, and further entries beside it.</summary>
internal sealed class ModelLoadContext : IDisposable
{
    public const string ModelStreamName = "Model.key";

    public readonly RepositoryReader Repository;
    public readonly string Directory;
    public readonly BinaryReader Reader;
    public readonly string[] Strings;
    public readonly string LoaderAssemblyName;
    public readonly long FpMin;
    internal ModelHeader Header;

    internal ModelLoadContext(RepositoryReader rep, Repository.Entry ent, string dir)
    {
        Contracts.CheckValue(rep, nameof(rep));
        Contracts.CheckValue(ent, nameof(ent));
        Repository = rep;
        Directory = dir;
        Reader = new BinaryReader(ent.Stream, Encoding.UTF8, leaveOpen: true);
        ModelHeader.BeginRead(Reader, out FpMin, out Header, out Strings, out LoaderAssemblyName);
    }

    private IExceptionContext Context => Repository.ExceptionContext;

    public void Dispose() => Reader.Dispose();

    public void CheckAtModel() => Context.Check(Reader.BaseStream.Position == FpMin + Header.FpModel);

    public void CheckAtModel(VersionInfo ver)
    {
        CheckAtModel();
        ModelHeader.CheckVersionInfo(in Header, ver);
    }

    public string LoadStringOrNull() => LoadString(Reader.ReadInt32(), true);

    public string LoadString() => LoadString(Reader.ReadInt32(), false);

    public string LoadNonEmptyString()
    {
        string str = LoadString();
        Context.CheckDecode(str.Length > 0);
        return str;
    }

    /// <summary>False if there is no such entry; the reader's stream is a temporary file, seekable.</summary>
    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        Context.CheckNonEmpty(name, nameof(name));
        Context.CheckValue(action, nameof(action));
        using Repository.Entry entry = Repository.OpenEntryOrNull(Directory, name);
        if (entry == null) return false;
        using var reader = new BinaryReader(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(reader);
        return true;
    }

    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra)
        where TRes : class =>
        LoadModel<TRes, TSig>(env, out result, Repository, PathOf(name), extra);

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir,
        params object[] extra) where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, rep, dir, extra))
            throw env.ExceptDecode("Corrupt model file");
    }

    /// <summary>False, and null, if the folder has no model; any other failure throws.</summary>
    public static bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep,
        string dir, params object[] extra) where TRes : class
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(rep, nameof(rep));
        result = null;
        using Repository.Entry entry = rep.OpenEntryOrNull(dir, ModelStreamName);
        if (entry == null) return false;
        LoadModel<TRes, TSig>(env, out result, rep, entry, dir, extra);
        return true;
    }

    /// <exception cref="FormatException">The header names no class that is registered and is a TRes.</exception>
    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep,
        Repository.Entry ent, string dir, params object[] extra) where TRes : class
    {
        using var ctx = new ModelLoadContext(rep, ent, dir);
        if (!string.IsNullOrEmpty(ctx.LoaderAssemblyName))
            env.ComponentCatalog.RegisterAssembly(Assembly.Load(ctx.LoaderAssemblyName));
        result = ctx.Create<TRes, TSig>(env, ModelHeader.GetLoaderSig(ref ctx.Header), extra)
            ?? ctx.Create<TRes, TSig>(env, ModelHeader.GetLoaderSigAlt(ref ctx.Header), extra)
            ?? throw env.ExceptDecode($"Couldn't load model: '{dir}'");
    }

    private TRes Create<TRes, TSig>(IHostEnvironment env, string loaderSignature, object[] extra) where TRes : class
    {
        if (string.IsNullOrWhiteSpace(loaderSignature)) return null;
        if (!ComponentCatalog.TryCreateInstance<TSig>(env, out object instance, loaderSignature, [this, .. extra]))
            return null;
        if (instance is not TRes result) return null;
        ModelHeader.EndRead(Reader, FpMin, in Header);
        return result;
    }

    private string PathOf(string name) => string.IsNullOrEmpty(Directory) ? name : $"{Directory}/{name}";

    private string LoadString(int id, bool orNull)
    {
        if (id == -1 && orNull) return null;
        Context.CheckDecode(0 <= id && id < (Strings?.Length ?? 0));
        return Strings[id];
    }
}
