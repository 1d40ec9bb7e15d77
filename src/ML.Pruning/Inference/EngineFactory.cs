using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;

namespace ML.Pruning.Inference;

/// <summary>Finds the engine that runs a model.</summary>
public static class EngineFactory
{
    private const string TorchName = "torch";
    private const string OnnxName = "onnx";

    /// <summary>Reads the name of an engine.</summary>
    /// <param name="name"><c>torch</c> or <c>onnx</c>, in lower case.</param>
    /// <returns>The kind.</returns>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static EngineKind Parse(string name) => name switch
    {
        TorchName => EngineKind.Torch,
        OnnxName => EngineKind.Onnx,
        _ => throw new ArgumentException(
            $"The engine is \"{name}\"; it must be {TorchName} or {OnnxName}.", nameof(name)),
    };

    /// <summary>The engine of a model, made on first use. The model owns it; do not dispose it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="kind">Which engine; <see cref="EngineKind.Auto"/> takes ONNX Runtime where the
    /// model can be exported to it, else torch.</param>
    /// <returns>The engine.</returns>
    /// <exception cref="NotSupportedException">The engine cannot run a part of the model; the message names
    /// it.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public static ILanguageModelEngine Get(LanguageModel model, EngineKind kind)
    {
        ArgumentNullException.ThrowIfNull(model);
        return kind switch
        {
            EngineKind.Auto => Get(model, OnnxModel.CanExport(model.Spec) ? EngineKind.Onnx : EngineKind.Torch),
            EngineKind.Torch => model.GetEngine(TorchName, static m => new TorchEngine(m)),
            EngineKind.Onnx => model.GetEngine(
                OnnxName, static m => m.Spec.Encoder is null ? new OnnxEngine(m) : new OnnxEncoderEngine(m)),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a member of EngineKind."),
        };
    }

    /// <summary>Starts telling monitoring about work of an engine.</summary>
    internal static LlmTelemetry.Operation StartOperation(
        string operation, LanguageModel model, ILanguageModelEngine engine) => engine.Name == OnnxName
        ? LlmTelemetry.Start(
            operation, model.Spec.Family, ("engine", engine.Name), ("kernel", KernelLibrary.Target.ToString()))
        : LlmTelemetry.Start(operation, model.Spec.Family, ("engine", engine.Name));
}
