namespace ML.Pruning.Export.Onnx;

/// <summary>An attribute of a node.</summary>
internal readonly struct OnnxAttribute
{
    private OnnxAttribute(string name, Func<ProtobufMessage, ProtobufMessage> value, int type) =>
        Message = value(new ProtobufMessage().Text(1, name)).Integer(20, type);

    /// <summary>The attribute as an AttributeProto.</summary>
    public ProtobufMessage Message { get; }

    public static implicit operator OnnxAttribute((string Name, long Value) attribute) =>
        new(attribute.Name, m => m.Integer(3, attribute.Value), type: 2);

    public static implicit operator OnnxAttribute((string Name, double Value) attribute) =>
        new(attribute.Name, m => m.Single(2, (float)attribute.Value), type: 1);

    public static implicit operator OnnxAttribute((string Name, long[] Values) attribute) => new(
        attribute.Name, m => attribute.Values.Aggregate(m, (message, value) => message.Integer(8, value)), type: 7);

    public static implicit operator OnnxAttribute((string Name, float[] Values) attribute) => new(
        attribute.Name, m => attribute.Values.Aggregate(m, (message, value) => message.Single(7, value)), type: 6);
}
