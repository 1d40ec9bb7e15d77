namespace ML.Pruning.Export.Onnx;

/// <summary>Writes graphs as ONNX files: in one file, or with the large constants in a second one.</summary>
/// <remarks>Thread-safe. Constants stream from where they are stored; field numbers are those of
/// onnx.proto3.</remarks>
internal static class OnnxFile
{
    /// <summary>The operator set: the lowest that has all standard operators used (LayerNormalization).</summary>
    public const int OperatorSet = 17;

    // The format that came with operator set 17.
    private const int IrVersion = 8;

    // Where data starts in the second file: a page, so that it can be mapped and read without a copy.
    private const int Alignment = 4096;

    // Constants below this stay in the graph, where shape inference sees them.
    private const int FewestExternalBytes = 1024;

    /// <summary>Bytes that one file may have: protobuf readers end at 2 GiB.</summary>
    public const long MaxBytes = int.MaxValue;

    /// <summary>Writes one file that holds everything.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="destination">The stream.</param>
    /// <param name="cancellationToken">Stops between pieces of constants.</param>
    /// <exception cref="NotSupportedException">The file would be too large.</exception>
    public static void Write(OnnxGraph graph, Stream destination, CancellationToken cancellationToken)
    {
        (OnnxInitializer Constant, ProtobufMessage Head)[] constants =
            [.. graph.Initializers.Select(c => (c, Describe(c).StartData(9, c.ByteLength)))];
        ProtobufMessage fields = graph.Fields();
        long length = fields.Bytes.Length;
        foreach ((OnnxInitializer constant, ProtobufMessage head) in constants)
            length += FieldLength(head.Bytes.Length + constant.ByteLength);
        ProtobufMessage start = Model(graph).StartData(7, length);
        if (start.Bytes.Length + length > MaxBytes)
        {
            throw new NotSupportedException($"The model would take {start.Bytes.Length + length:N0} bytes in one ONNX "
                + $"file, which may have {MaxBytes:N0}; export it to a folder, which keeps weights in a second file.");
        }

        destination.Write(start.Bytes);
        destination.Write(fields.Bytes);
        foreach ((OnnxInitializer constant, ProtobufMessage head) in constants)
        {
            destination.Write(new ProtobufMessage().StartData(5, head.Bytes.Length + constant.ByteLength).Bytes);
            destination.Write(head.Bytes);
            constant.WriteData(destination, cancellationToken);
        }
    }

    /// <summary>Writes the graph in one file and the large constants, which may exceed 2 GiB, in another.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="destination">The stream for the graph.</param>
    /// <param name="data">The stream for the constants, empty and seekable.</param>
    /// <param name="dataName">The name that the file of constants has beside the graph's.</param>
    /// <param name="cancellationToken">Stops between pieces of constants.</param>
    public static void Write(
        OnnxGraph graph, Stream destination, Stream data, string dataName, CancellationToken cancellationToken)
    {
        ProtobufMessage fields = graph.Fields();
        foreach (OnnxInitializer constant in graph.Initializers)
        {
            ProtobufMessage tensor = Describe(constant);
            Stream target = Place(tensor, constant.ByteLength, data, dataName);
            constant.WriteData(target, cancellationToken);
            if (target is MemoryStream bytes) tensor.Data(9, bytes.ToArray());
            fields.Message(5, tensor);
        }

        destination.Write(Model(graph).Message(7, fields).Bytes);
    }

    /// <summary>Gives the data of a constant its place: in the tensor if it is small, else in a second file.</summary>
    /// <param name="tensor">The TensorProto; says where the data is, if in a file.</param>
    /// <param name="length">Bytes of the data.</param>
    /// <param name="data">The second file; null = there is none.</param>
    /// <param name="dataName">The name that it has beside the graph's.</param>
    /// <returns>Where to write: the file, or a MemoryStream whose bytes belong in the tensor.</returns>
    public static Stream Place(ProtobufMessage tensor, long length, Stream? data, string dataName)
    {
        if (data is null || length < FewestExternalBytes) return new MemoryStream();
        data.Position = (data.Position + Alignment - 1) / Alignment * Alignment;
        tensor.Message(13, Entry("location", dataName)).Message(13, Entry("offset", $"{data.Position}"))
            .Message(13, Entry("length", $"{length}")).Integer(14, 1);
        return data;
    }

    private static ProtobufMessage Model(OnnxGraph graph)
    {
        ProtobufMessage model = new ProtobufMessage().Integer(1, IrVersion).Text(2, "ML.Pruning");
        foreach (string domain in graph.Domains)
            model.Message(8, new ProtobufMessage().Text(1, domain).Integer(2, domain.Length == 0 ? OperatorSet : 1));
        foreach ((string key, string value) in graph.Metadata) model.Message(14, Entry(key, value));
        return model;
    }

    /// <summary>The head of a constant.</summary>
    /// <param name="constant">The constant.</param>
    /// <returns>The TensorProto without its data.</returns>
    public static ProtobufMessage Describe(OnnxInitializer constant)
    {
        var message = new ProtobufMessage();
        foreach (long size in constant.Shape) message.Integer(1, size);
        return message.Integer(2, (int)constant.Element).Text(8, constant.Name);
    }

    private static ProtobufMessage Entry(string key, string value) =>
        new ProtobufMessage().Text(1, key).Text(2, value);

    // A field of a number below 16: tag, length, content.
    private static long FieldLength(long content) =>
        new ProtobufMessage().StartData(5, content).Bytes.Length + content;
}
