namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Writes a graph that was read with other nodes and more constants, and all the rest as it was.</summary>
internal static class OnnxRewriter
{
    private const int Graph = 7;
    private const int OperatorSets = 8;

    /// <summary>Writes it.</summary>
    /// <param name="file">The graph that was read.</param>
    /// <param name="nodes">The nodes, in their order.</param>
    /// <param name="added">New constants.</param>
    /// <param name="domain">The domain of new operators.</param>
    /// <param name="destination">The stream for the graph.</param>
    /// <param name="data">The stream for large constants, empty; null = they go into the graph.</param>
    /// <param name="dataName">The name that the file of constants has beside the graph's.</param>
    /// <param name="cancellationToken">Stops between constants.</param>
    /// <exception cref="NotSupportedException">The file would be too large.</exception>
    public static void Write(OnnxGraphFile file, IReadOnlyList<OnnxNode> nodes, IEnumerable<OnnxInitializer> added,
        string domain, Stream destination, Stream? data, string dataName, CancellationToken cancellationToken)
    {
        var graph = new ProtobufMessage();
        foreach (OnnxNode node in nodes) graph.Data(1, node.Message.Span);
        foreach (ProtobufField field in file.Rest) graph.Raw(field.Raw.Span);
        HashSet<string> read = [.. nodes.SelectMany(node => node.Inputs), .. file.NamesReadInside(), .. file.Outputs];
        foreach (OnnxTensor tensor in file.Initializers.Values.Where(tensor => read.Contains(tensor.Name)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            graph.Message(5, Copy(tensor, data, dataName));
        }

        foreach (OnnxInitializer constant in added)
        {
            ProtobufMessage tensor = OnnxFile.Describe(constant);
            Stream target = OnnxFile.Place(tensor, constant.ByteLength, data, dataName);
            constant.WriteData(target, cancellationToken);
            if (target is MemoryStream bytes) tensor.Data(9, bytes.ToArray());
            Check(graph.Bytes.Length + (long)tensor.Bytes.Length);
            graph.Message(5, tensor);
        }

        var model = new ProtobufMessage();
        bool hasDomain = false;
        foreach (ProtobufField field in file.Model)
        {
            if (field.Number == Graph) continue;
            model.Raw(field.Raw.Span);
            hasDomain |= field.Number == OperatorSets
                && ProtobufField.Read(field.Content).Exists(f => f.Number == 1 && f.Text == domain);
        }

        if (!hasDomain) model.Message(OperatorSets, new ProtobufMessage().Text(1, domain).Integer(2, 1));
        Check(model.Bytes.Length + (long)graph.Bytes.Length);
        destination.Write(model.StartData(Graph, graph.Bytes.Length).Bytes);
        destination.Write(graph.Bytes);
    }

    // Data in a file of its own moves to the new one; data in the graph stays there.
    private static ProtobufMessage Copy(OnnxTensor tensor, Stream? data, string dataName)
    {
        if (!tensor.IsExternal) return new ProtobufMessage().Raw(tensor.Message.Span);
        (FileStream source, long length) = tensor.OpenExternal();
        using (source)
        {
            ProtobufMessage copy = tensor.WithoutData(tensor.Name);
            Stream target = OnnxFile.Place(copy, length, data, dataName);
            var piece = new byte[1 << 20];
            for (long left = length; left > 0;)
            {
                int count = source.Read(piece, 0, (int)Math.Min(left, piece.Length));
                if (count == 0) throw new EndOfStreamException($"The data of '{tensor.Name}' ends too early.");
                target.Write(piece, 0, count);
                left -= count;
            }

            return target is MemoryStream bytes ? copy.Data(9, bytes.ToArray()) : copy;
        }
    }

    private static void Check(long bytes)
    {
        if (bytes <= OnnxFile.MaxBytes) return;
        throw new NotSupportedException($"The model would take more than {OnnxFile.MaxBytes:N0} bytes in one ONNX "
            + "file; write it to a folder, which keeps weights in a second file.");
    }
}
