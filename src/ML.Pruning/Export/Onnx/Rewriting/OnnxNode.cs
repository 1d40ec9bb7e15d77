namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>A node of a graph that was read.</summary>
internal sealed class OnnxNode
{
    private readonly Dictionary<string, List<ProtobufField>> _attributes = new(StringComparer.Ordinal);

    /// <summary>Reads a NodeProto.</summary>
    /// <param name="message">Its bytes.</param>
    public OnnxNode(ReadOnlyMemory<byte> message)
    {
        Message = message;
        foreach (ProtobufField field in ProtobufField.Read(message))
        {
            switch (field.Number)
            {
                case 1: Inputs.Add(field.Text); break;
                case 2: Outputs.Add(field.Text); break;
                case 3: Name = field.Text; break;
                case 4: Type = field.Text; break;
                case 5:
                    List<ProtobufField> attribute = ProtobufField.Read(field.Content);
                    _attributes[attribute.FirstOrDefault(f => f.Number == 1).Text] = attribute;
                    break;
                case 7: Domain = field.Text == "ai.onnx" ? "" : field.Text; break;
            }
        }
    }

    /// <summary>The bytes that were read.</summary>
    public ReadOnlyMemory<byte> Message { get; }

    /// <summary>Its name; may be empty.</summary>
    public string Name { get; } = "";

    /// <summary>The operator.</summary>
    public string Type { get; } = "";

    /// <summary>The operator's domain; empty for ONNX's own.</summary>
    public string Domain { get; } = "";

    /// <summary>Values that it takes; an empty name is an optional one that is left out.</summary>
    public List<string> Inputs { get; } = [];

    /// <summary>A value that it takes.</summary>
    /// <param name="place">Which, from 0.</param>
    /// <returns>Its name; empty if it is left out.</returns>
    public string Input(int place) => place < Inputs.Count ? Inputs[place] : "";

    /// <summary>Values that it yields.</summary>
    public List<string> Outputs { get; } = [];

    /// <summary>The attributes' fields, by attribute.</summary>
    public IReadOnlyDictionary<string, List<ProtobufField>> Attributes => _attributes;

    /// <summary>Whether it is an operator of ONNX itself.</summary>
    public bool Is(string type) => Type == type && Domain.Length == 0;

    /// <summary>An integer attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="otherwise">What it is if it is left out.</param>
    public long Integer(string name, long otherwise) =>
        _attributes.TryGetValue(name, out List<ProtobufField>? fields)
            ? fields.FirstOrDefault(f => f.Number == 3).Value : otherwise;

    /// <summary>A float attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="otherwise">What it is if it is left out.</param>
    public float Number(string name, float otherwise) =>
        _attributes.TryGetValue(name, out List<ProtobufField>? fields)
            ? fields.FirstOrDefault(f => f.Number == 2).Floats().FirstOrDefault() : otherwise;

    /// <summary>An attribute of integers; empty if it is left out.</summary>
    /// <param name="name">Its name.</param>
    public long[] Integers(string name) => _attributes.TryGetValue(name, out List<ProtobufField>? fields)
        ? [.. fields.Where(f => f.Number == 8).SelectMany(f => f.Integers())] : [];

    /// <summary>A text attribute; empty if it is left out.</summary>
    /// <param name="name">Its name.</param>
    public string Text(string name) => _attributes.TryGetValue(name, out List<ProtobufField>? fields)
        ? fields.FirstOrDefault(f => f.Number == 4).Text : "";
}
