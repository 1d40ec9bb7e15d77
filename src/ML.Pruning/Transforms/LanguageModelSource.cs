using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Export;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Opens a model from where a user has it: a Hugging Face folder or a saved ML.NET model.</summary>
public static class LanguageModelSource
{
    /// <summary>Opens a model.</summary>
    /// <param name="path">A Hugging Face folder, or an ML.NET model (.zip, .mlnet) whose chain holds a model.</param>
    /// <returns>The model; the caller disposes it.</returns>
    /// <exception cref="FileNotFoundException">Neither a folder nor a file.</exception>
    /// <exception cref="InvalidDataException">The file is no ML.NET model, is damaged, or holds no language
    /// model.</exception>
    public static LanguageModel Open(string path) => Open(new MLContext(), path);

    internal static LanguageModel Open(IHostEnvironment env, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) return HuggingFaceModel.Open(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"The model '{path}' does not exist; give a Hugging Face folder or a saved "
                + ".zip model.", path);
        }

        return OpenSaved(env, path);
    }

    private static LanguageModel OpenSaved(IHostEnvironment env, string path)
    {
        var context = env as MLContext ?? new MLContext { TempFilePath = MLNetInternals.GetTempFolder(env) };
        using FileStream stream = File.OpenRead(path);
        ITransformer loaded;
        try
        {
            loaded = context.Model.Load(stream, out _);
        }
        catch (Exception e) when (Cause(e) is InvalidDataException or FormatException or EndOfStreamException
            or FileLoadException or FileNotFoundException or OverflowException
            or System.Globalization.CultureNotFoundException)
        {
            throw new InvalidDataException(
                $"'{path}' is not a saved ML.NET model, or it is damaged: {Cause(e).Message}", e);
        }

        using var chain = loaded as IDisposable;
        LanguageModel? last = Stages(loaded).OfType<ModelYieldingTransformer>()
            .Select(stage => stage.Model).LastOrDefault(model => model.HasWeights);
        return last is null
            ? throw new InvalidDataException($"'{path}' holds no language model with weights.")
            : new LanguageModel(last.ToContent());
    }

    // ML.NET makes stages by reflection, which wraps what their loaders throw.
    private static Exception Cause(Exception e)
    {
        while (e is TargetInvocationException or InvalidOperationException && e.InnerException is { } inner) e = inner;
        return e;
    }

    /// <summary>The stages of a fitted chain, nested chains unrolled.</summary>
    internal static IEnumerable<ITransformer> Stages(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Stages) : [model];
}
