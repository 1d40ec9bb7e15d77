using System.Runtime.InteropServices;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>A constant of a graph that was read, in the graph's file or in one beside it.</summary>
internal sealed class OnnxTensor
{
    private readonly List<ProtobufField> _fields;
    private readonly Dictionary<string, string> _external = new(StringComparer.Ordinal);
    private readonly string _folder;

    /// <summary>Reads a TensorProto.</summary>
    /// <param name="message">Its bytes.</param>
    /// <param name="folder">The folder of the graph's file.</param>
    public OnnxTensor(ReadOnlyMemory<byte> message, string folder)
    {
        _folder = folder;
        Message = message;
        _fields = ProtobufField.Read(message);
        var shape = new List<long>();
        foreach (ProtobufField field in _fields)
        {
            switch (field.Number)
            {
                case 1: shape.AddRange(field.Integers()); break;
                case 2: Element = (OnnxElement)field.Value; break;
                case 8: Name = field.Text; break;
                case 13:
                    List<ProtobufField> entry = ProtobufField.Read(field.Content);
                    _external[entry.FirstOrDefault(f => f.Number == 1).Text] =
                        entry.FirstOrDefault(f => f.Number == 2).Text;
                    break;
                case 14: IsExternal = field.Value == 1; break;
            }
        }

        Shape = shape;
    }

    /// <summary>The bytes that were read.</summary>
    public ReadOnlyMemory<byte> Message { get; }

    /// <summary>Its name; empty for the value of a node.</summary>
    public string Name { get; } = "";

    /// <summary>The element type.</summary>
    public OnnxElement Element { get; }

    /// <summary>The dimensions.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Whether the data stands in a file of its own.</summary>
    public bool IsExternal { get; }

    /// <summary>The file of the data, as the graph's folder has it; empty if there is none.</summary>
    public string Location => IsExternal ? _external.GetValueOrDefault("location", "") : "";

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Opens the file of the data.</summary>
    /// <returns>The file, at the data's beginning, and the data's length; the caller disposes the file.</returns>
    /// <exception cref="ModelFormatException">The file is missing, too short, or outside of the graph's
    /// folder.</exception>
    public (FileStream File, long Length) OpenExternal()
    {
        string location = Location;
        string path = Path.GetFullPath(Path.Combine(_folder, location));
        string root = Path.GetFullPath(_folder) + Path.DirectorySeparatorChar;
        if (location.Length == 0 || !path.StartsWith(root, StringComparison.Ordinal) || !File.Exists(path))
        {
            throw new ModelFormatException($"The data of '{Name}' should be in the file '{location}' beside the ONNX "
                + "file; it is not there.");
        }

        FileStream file = File.OpenRead(path);
        bool isPlaced = long.TryParse(_external.GetValueOrDefault("offset", "0"), out long offset);
        if (!long.TryParse(_external.GetValueOrDefault("length", $"{file.Length - offset}"), out long length)
            || !isPlaced || offset < 0 || length < 0 || offset > file.Length - length)
        {
            file.Dispose();
            throw new ModelFormatException($"The data of '{Name}' does not lie inside of the file '{location}'.");
        }

        file.Position = offset;
        return (file, length);
    }

    /// <summary>The elements as bytes, little-endian, where they are stored as such.</summary>
    /// <returns>The bytes; null where they are stored one by one.</returns>
    /// <exception cref="ModelFormatException">The file of the data is wrong.</exception>
    public ReadOnlyMemory<byte>? Data()
    {
        if (IsExternal)
        {
            (FileStream file, long length) = OpenExternal();
            using (file)
            {
                var bytes = new byte[length];
                file.ReadExactly(bytes);
                return bytes;
            }
        }

        int at = _fields.FindIndex(field => field.Number == 9);
        return at < 0 ? null : _fields[at].Content;
    }

    /// <summary>The elements as floats.</summary>
    /// <returns>The elements; null if their type is not float32, int8, uint8 or int32.</returns>
    /// <exception cref="ModelFormatException">There are fewer, or more, than the dimensions say.</exception>
    public float[]? Floats()
    {
        float[]? values = Element switch
        {
            OnnxElement.Float when Data() is { } data => MemoryMarshal.Cast<byte, float>(data.Span).ToArray(),
            OnnxElement.Float => [.. Fields(4).SelectMany(field => field.Floats())],
            OnnxElement.UInt8 when Data() is { } data => [.. data.ToArray().Select(code => (float)code)],
            OnnxElement.Int8 when Data() is { } data => [.. data.ToArray().Select(code => (float)(sbyte)code)],
            OnnxElement.Int32 when Data() is { } data =>
                [.. MemoryMarshal.Cast<byte, int>(data.Span).ToArray().Select(code => (float)code)],
            OnnxElement.UInt8 or OnnxElement.Int8 or OnnxElement.Int32 =>
                [.. Fields(5).SelectMany(field => field.Integers()).Select(code => (float)code)],
            _ => null,
        };
        return values is null || values.Length == Count ? values : throw new ModelFormatException(
            $"The constant '{Name}' has {values.Length} elements; its dimensions say {Count}.");
    }

    /// <summary>The same constant with its data in another place.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The fields without the data.</returns>
    public ProtobufMessage WithoutData(string name)
    {
        var message = new ProtobufMessage();
        foreach (ProtobufField field in _fields.Where(field => field.Number is not (8 or 9 or 13 or 14)))
            message.Raw(field.Raw.Span);
        return message.Text(8, name);
    }

    private IEnumerable<ProtobufField> Fields(int number) => _fields.Where(field => field.Number == number);
}
