using System.Runtime.InteropServices;
using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Tests.TestKit;

/// <summary>ONNX files with what this library's exporter does not write: other versions, graphs in nodes, data in other
/// places, other element types. All take x [2, 128] and yield y.</summary>
internal static class OddOnnx
{
    public const int Rows = 48;
    public const int Columns = 128;
    public const int Batch = 2;
    private const int Float = 1, Int32 = 6, Int64 = 7, Bool = 9, Half = 10;

    /// <summary>The files by name: whether a node is packed, a word of the reason if none is, and how they are
    /// written.</summary>
    public static IReadOnlyDictionary<string, (int Packed, string Why, Action<string> Write)> All { get; } =
        new Dictionary<string, (int, string, Action<string>)>
        {
            ["If"] = (1, "", path => Write(path, [.. Condition(), Product("x", "w", "z"), If(), Node("Add", "z", "i", "y")])),
            ["weight in If"] = (0, "", path => Write(path, [.. Condition(), IfWithWeight()], [])),
            ["Loop"] = (1, "", path => Write(path, [Product("x", "w", "z"), Loop()],
                [Weight(), Tensor("count", Int64, [], Bytes(3L)), Tensor("go", Bool, [], [1])])),
            ["external data"] = (1, "", WriteExternal),
            ["half stored"] = (0, "no constant", path => Write(path,
                [Cast("h", "w", Float), Product("x", "w", "y")], [HalfWeight()])),
            ["half computed"] = (0, "element type 10", path => Write(path,
                [Cast("x", "xh", Half), Product("xh", "h", "yh"), Cast("yh", "y", Float)], [HalfWeight()])),
            ["integers"] = (0, "integers", path => Write(path,
                [Cast("x", "xi", Int32), Product("xi", "wi", "yi"), Cast("yi", "y", Float)], [IntegerWeight()])),
            ["weight first"] = (0, "input of the graph", path => Write(path,
                [Node("Transpose", "x", "", "t"), Product("wt", "t", "y")], [Weight("wt", Rows, Columns)])),
            ["three dimensions"] = (0, "no matrix", path => Write(path,
                [Product("x", "w", "y")], [Weight("w", 1, Columns, Rows)])),
            ["a vector"] = (1, "", path => Write(path,
            [
                Node("Gather", "x", "zero", "v"), Product("v", "w", "y"),
            ], [Weight(), Tensor("zero", Int64, [], Bytes(0L))])),
            ["no rows"] = (1, "", path => Write(path,
            [
                Node("Compress", "x", "none", "e").Message(5, Attribute("axis", 0)), Product("e", "w", "y"),
            ], [Weight(), Tensor("none", Bool, [Batch], [0, 0])])),
            ["Gemm with a column"] = (1, "", path => Write(path, [Node("Gemm", "x", "w", "y", "c")],
                [Weight(), Weight("c", Batch, 1)])),
            ["channels in groups"] = (0, "in groups", path => Write(path,
            [
                Node("Reshape", "x", "s", "i"),
                Node("Conv", "i", "k", "y").Message(5, Attribute("group", 2)),
            ], [Weight("k", 16, 4, 3, 3), Tensor("s", Int64, [4], Bytes(1L, 8, 4, 8))])),
        };

    /// <summary>Writes x W with another operator set and version of the format. Before version 4 weights have to be
    /// inputs.</summary>
    public static void WriteVersion(string path, int version, int operatorSet) =>
        File.WriteAllBytes(path, Model(Graph("main", [Product("x", "w", "z"), Node("Relu", "z", "", "y")], [Weight()],
            version < 4 ? [("x", Float, [Batch, Columns]), ("w", Float, [Columns, Rows])] : [("x", Float, [Batch, Columns])],
            [("y", Float, [Batch, Rows])]), version, operatorSet));

    private static void Write(string path, ProtobufMessage[] nodes, ProtobufMessage[]? constants = null) =>
        File.WriteAllBytes(path, Model(Graph("main", nodes, constants ?? [Weight()], [("x", Float, [Batch, Columns])],
            [("y", Float, null)]), 8, 17));

    /// <summary>Writes x W whose weight a node keeps in a file in another folder, so that the model stays as it is.</summary>
    /// <returns>The file of the weight.</returns>
    public static string WriteExternalInside(string path)
    {
        const string name = "data/weights.bin";
        string data = Path.Combine(Path.GetDirectoryName(path)!, name);
        Directory.CreateDirectory(Path.GetDirectoryName(data)!);
        File.WriteAllBytes(data, Values(Columns * Rows));
        ProtobufMessage weight = new ProtobufMessage().Integer(1, Columns).Integer(1, Rows).Integer(2, Float)
            .Text(8, "w").Message(13, Entry("location", name)).Integer(14, 1);
        Write(path, [.. Condition(), Branches(
            Graph("then", [Product("x", "w", "t")], [weight], [], [("t", Float, null)]),
            Graph("else", [Product("x", "u", "e")], [Weight("u", Columns, Rows)], [], [("e", Float, null)]), "y")], []);
        return data;
    }

    private static void WriteExternal(string path)
    {
        const string name = "weights.bin";
        File.WriteAllBytes(Path.Combine(Path.GetDirectoryName(path)!, name), [0, 0, 0, 0, .. Values(Columns * Rows)]);
        ProtobufMessage weight = new ProtobufMessage().Integer(1, Columns).Integer(1, Rows).Integer(2, Float)
            .Text(8, "w").Message(13, Entry("location", name)).Message(13, Entry("offset", "4"))
            .Message(13, Entry("length", $"{Columns * Rows * sizeof(float)}")).Integer(14, 1);
        Write(path, [Product("x", "w", "y")], [weight]);
    }

    private static ProtobufMessage[] Condition() =>
        [Node("ReduceMax", "x", "", "m").Message(5, Attribute("keepdims", 0)), Cast("m", "b", Bool)];

    // Both branches take x and w from outside.
    private static ProtobufMessage If() => Branches(
        Graph("then", [Product("x", "w", "t")], [], [], [("t", Float, null)]),
        Graph("else", [Product("x", "w", "p"), Node("Neg", "p", "", "e")], [], [], [("e", Float, null)]), "i");

    private static ProtobufMessage IfWithWeight() => Branches(
        Graph("then", [Product("x", "w", "t")], [Weight()], [], [("t", Float, null)]),
        Graph("else", [Product("x", "u", "e")], [Weight("u", Columns, Rows)], [], [("e", Float, null)]), "y");

    private static ProtobufMessage Branches(ProtobufMessage then, ProtobufMessage otherwise, string output) =>
        Node("If", "b", "", output).Message(5, GraphAttribute("then_branch", then))
            .Message(5, GraphAttribute("else_branch", otherwise));

    // v = z, then three times v + x w.
    private static ProtobufMessage Loop() => Node("Loop", "count", "go", "y", "z").Message(5, GraphAttribute("body",
        Graph("body", [Product("x", "w", "p"), Node("Add", "v", "p", "next"), Node("Identity", "on", "", "still")], [],
            [("i", Int64, []), ("on", Bool, []), ("v", Float, null)], [("still", Bool, []), ("next", Float, null)])));

    private static ProtobufMessage Product(string a, string b, string output) => Node("MatMul", a, b, output);

    private static ProtobufMessage Cast(string input, string output, int element) =>
        Node("Cast", input, "", output).Message(5, Attribute("to", element));

    private static ProtobufMessage Node(string type, string a, string b, string output, params string[] more) =>
        OnnxGraph.Node(type, [.. ((string[])[a, b, .. more]).Where(name => name.Length > 0)], [output], output, []);

    private static ProtobufMessage Attribute(string name, long value) =>
        new ProtobufMessage().Text(1, name).Integer(3, value).Integer(20, 2);

    private static ProtobufMessage GraphAttribute(string name, ProtobufMessage graph) =>
        new ProtobufMessage().Text(1, name).Message(6, graph).Integer(20, 5);

    private static ProtobufMessage Weight() => Weight("w", Columns, Rows);

    private static ProtobufMessage Weight(string name, params long[] shape) =>
        Tensor(name, Float, shape, Values((int)shape.Aggregate(1L, (a, b) => a * b)));

    private static ProtobufMessage HalfWeight() => Tensor("h", Half, [Columns, Rows],
        Bytes(MemoryMarshal.Cast<byte, float>(Values(Columns * Rows)).ToArray().Select(w => (System.Half)w).ToArray()));

    private static ProtobufMessage IntegerWeight() => Tensor("wi", Int32, [Columns, Rows],
        Bytes(MemoryMarshal.Cast<byte, float>(Values(Columns * Rows)).ToArray().Select(w => (int)(9 * w)).ToArray()));

    // Four fifths are zero.
    private static byte[] Values(int count)
    {
        var random = new Random(3);
        return Bytes(Enumerable.Range(0, count)
            .Select(_ => random.NextDouble() < 0.8 ? 0 : 2 * random.NextSingle() - 1).ToArray());
    }

    private static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static ProtobufMessage Tensor(string name, int element, long[] shape, byte[] data)
    {
        var tensor = new ProtobufMessage();
        foreach (long size in shape) tensor.Integer(1, size);
        return tensor.Integer(2, element).Text(8, name).Data(9, data);
    }

    private static ProtobufMessage Graph(string name, ProtobufMessage[] nodes, ProtobufMessage[] constants,
        (string, int, long[]?)[] inputs, (string, int, long[]?)[] outputs)
    {
        var graph = new ProtobufMessage();
        foreach (ProtobufMessage node in nodes) graph.Message(1, node);
        graph.Text(2, name);
        foreach (ProtobufMessage constant in constants) graph.Message(5, constant);
        foreach ((string, int, long[]?) input in inputs) graph.Message(11, Value(input));
        foreach ((string, int, long[]?) output in outputs) graph.Message(12, Value(output));
        return graph;
    }

    private static ProtobufMessage Value((string Name, int Element, long[]? Shape) value)
    {
        ProtobufMessage tensor = new ProtobufMessage().Integer(1, value.Element);
        if (value.Shape is { } shape)
        {
            var sizes = new ProtobufMessage();
            foreach (long size in shape) sizes.Message(1, new ProtobufMessage().Integer(1, size));
            tensor.Message(2, sizes);
        }

        return new ProtobufMessage().Text(1, value.Name).Message(2, new ProtobufMessage().Message(1, tensor));
    }

    private static ProtobufMessage Entry(string key, string value) => new ProtobufMessage().Text(1, key).Text(2, value);

    private static byte[] Model(ProtobufMessage graph, int version, int operatorSet) => new ProtobufMessage()
        .Integer(1, version).Message(7, graph).Message(8, new ProtobufMessage().Integer(2, operatorSet)).Bytes.ToArray();
}
