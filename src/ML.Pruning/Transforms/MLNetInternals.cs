using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Transforms;

// Everything that touches ML.NET's internals stands in this file (and in build/MlNetInternals.targets, which lets the
// compiler see them). They carry ML.NET's model format and are the same in every release since 1.0.
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]
[assembly: LoadableClass(typeof(LlmLoadingTransformer), null, typeof(SignatureLoadModel),
    "Load a language model", LlmLoadingTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(LlmPruningTransformer), null, typeof(SignatureLoadModel),
    "Prune a language model", LlmPruningTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(LoraFineTuningTransformer), null, typeof(SignatureLoadModel),
    "Fine-tune a language model with LoRA", LoraFineTuningTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(SparseFineTuningTransformer), null, typeof(SignatureLoadModel),
    "Fine-tune a sparse language model", SparseFineTuningTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(LlmScoringTransformer), null, typeof(SignatureLoadModel),
    "Score text with a language model", LlmScoringTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(TextGeneratingTransformer), null, typeof(SignatureLoadModel),
    "Generate text with a language model", TextGeneratingTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(TextEmbeddingTransformer), null, typeof(SignatureLoadModel),
    "Embed text with a language model", TextEmbeddingTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(SparseOnnxTransformer), null, typeof(SignatureLoadModel),
    "Run an ONNX model on sparse kernels", SparseOnnxTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(TextClassifyingTransformer), null, typeof(SignatureLoadModel),
    "Classify text with an encoder", TextClassifyingTransformer.LoaderSignature)]

namespace ML.Pruning.Transforms;

/// <summary>The few internals of ML.NET that stages need.</summary>
internal static class MLNetInternals
{
    private const uint FormatVersion = 0x00010001;

    /// <summary>The environment behind a catalog.</summary>
    public static IHostEnvironment GetEnvironment(TransformsCatalog catalog) =>
        CatalogUtils.GetEnvironment(catalog);

    /// <summary>The folder for temporary files: <c>MLContext.TempFilePath</c>.</summary>
    public static string GetTempFolder(IHostEnvironment env) => ((IHostEnvironmentInternal)env).TempFilePath;

    /// <summary>A column of a schema shape.</summary>
    public static SchemaShape.Column NewColumn(string name, DataViewType type) => type is VectorDataViewType vector
        ? new(name, vector.IsKnownSize ? SchemaShape.Column.VectorKind.Vector
            : SchemaShape.Column.VectorKind.VariableVector, vector.ItemType, false)
        : new(name, SchemaShape.Column.VectorKind.Scalar, type, false);

    /// <summary>Starts a stage in a saved model: its identity, and its options as JSON.</summary>
    public static void BeginSave(ModelSaveContext ctx, string modelSignature, string loaderSignature, string options)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version(modelSignature, loaderSignature));
        ctx.Writer.Write(options);
    }

    /// <summary>The inverse of <see cref="BeginSave"/>.</summary>
    /// <returns>The options as JSON.</returns>
    public static string BeginLoad(ModelLoadContext ctx, string modelSignature, string loaderSignature)
    {
        ctx.CheckAtModel(Version(modelSignature, loaderSignature));
        return ctx.Reader.ReadString();
    }

    /// <summary>Adds an entry of its own to the stage in the zip.</summary>
    public static void SaveEntry(ModelSaveContext ctx, string name, Action<Stream> write) =>
        ctx.SaveBinaryStream(name, writer => write(writer.BaseStream));

    /// <summary>Reads an entry that <see cref="SaveEntry"/> added.</summary>
    /// <returns>Whether the entry is there.</returns>
    public static bool TryLoadEntry(ModelLoadContext ctx, string name, Action<Stream> read) =>
        ctx.TryLoadBinaryStream(name, reader => read(reader.BaseStream));

    // The simple assembly name, so that a newer or older version of this library loads the model as well.
    private static VersionInfo Version(string modelSignature, string loaderSignature) => new(
        modelSignature, FormatVersion, FormatVersion, FormatVersion,
        typeof(MLNetInternals).Assembly.GetName().Name, loaderSignature);
}
