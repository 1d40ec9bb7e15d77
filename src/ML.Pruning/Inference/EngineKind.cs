namespace ML.Pruning.Inference;

/// <summary>What runs a model.</summary>
public enum EngineKind
{
    /// <summary>ONNX Runtime where the model can be exported to it, else libtorch.</summary>
    Auto,

    /// <summary>libtorch, through TorchSharp.</summary>
    Torch,

    /// <summary>ONNX Runtime.</summary>
    Onnx,
}
