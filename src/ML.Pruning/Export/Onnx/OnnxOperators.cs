namespace ML.Pruning.Export.Onnx;

/// <summary>The operators that an exported graph may use.</summary>
public enum OnnxOperators
{
    /// <summary>Those of ONNX and those that ONNX Runtime adds (domain com.microsoft): fused attention, which writes
    /// keys and values in place, and fused norms. A layer whose shape they cannot take uses standard ones.</summary>
    Fused,

    /// <summary>Those of ONNX alone (operator set 17), for any runtime.</summary>
    Standard,
}
