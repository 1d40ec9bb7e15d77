namespace ML.Pruning.Inference.Onnx;

/// <summary>An input or output of an ONNX model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ElementType">float or long; another type where it is a tensor of that; null where it is no
/// tensor.</param>
/// <param name="Dimensions">The dimensions; those that the model leaves open are below 1.</param>
internal sealed record OnnxValueInfo(string Name, Type? ElementType, int[] Dimensions);
