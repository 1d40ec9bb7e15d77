namespace ML.Pruning.Export.Onnx;

/// <summary>Element types of ONNX tensors that the exporter uses, with their numbers in the format.</summary>
internal enum OnnxElement
{
    /// <summary>32-bit float.</summary>
    Float = 1,

    /// <summary>Unsigned byte.</summary>
    UInt8 = 2,

    /// <summary>Signed byte.</summary>
    Int8 = 3,

    /// <summary>32-bit integer.</summary>
    Int32 = 6,

    /// <summary>64-bit integer.</summary>
    Int64 = 7,
}
