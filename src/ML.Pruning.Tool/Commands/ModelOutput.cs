using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary>Where a command writes its model: a .zip (or .mlnet) file, else a Hugging Face folder.</summary>
internal sealed class ModelOutput
{
    private readonly string _path;
    private readonly bool _force;

    /// <summary>Checks the place before any work is done.</summary>
    /// <exception cref="UserErrorException">It exists already, or its parent folder is not there.</exception>
    public ModelOutput(string path, bool force, bool? asZip = null)
    {
        if (string.IsNullOrWhiteSpace(path)) throw new UserErrorException(
            "--output is empty; give a folder or a .zip file.");
        _path = Path.GetFullPath(path);
        _force = force;
        IsZip = asZip ?? Path.GetExtension(path).ToLowerInvariant() is ".zip" or ".mlnet";
        if (IsZip && Directory.Exists(_path))
            throw new UserErrorException($"--output '{path}' is a folder, but a .zip file is to be written there.");
        if (!IsZip && File.Exists(_path))
            throw new UserErrorException($"--output '{path}' is a file, but a folder is to be written there.");
        bool exists = IsZip ? File.Exists(_path)
            : Directory.Exists(_path) && Directory.EnumerateFileSystemEntries(_path).Any();
        if (exists && !force)
            throw new UserErrorException(
                $"--output '{path}' exists already; choose another place, or --force to replace it.");
        string? parent = Path.GetDirectoryName(_path);
        if (parent is not null && !Directory.Exists(parent))
            throw new UserErrorException($"The folder '{parent}' for --output does not exist; make it first.");
    }

    /// <summary>Whether a zip is written.</summary>
    public bool IsZip { get; }

    /// <summary>Where a run records what it has finished: beside the output.</summary>
    public string ResumeFolder => Path.TrimEndingDirectorySeparator(_path) + ".resume";

    /// <summary>Writes the model.</summary>
    public void Write(LanguageModel model, bool compressed, CancellationToken cancellationToken)
    {
        if (IsZip) LanguageModelZip.Save(model, _path, _force);
        else HuggingFaceModel.Save(model, _path, compressed, _force, cancellationToken);
    }
}
