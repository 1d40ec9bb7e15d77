namespace ML.Pruning.Inference;

/// <summary>What runs a model.</summary>
public enum EngineKind
{
    /// <summary>The best engine at hand.</summary>
    Auto,

    /// <summary>libtorch, through TorchSharp.</summary>
    Torch,

    /// <summary>ONNX Runtime.</summary>
    Onnx,
}
