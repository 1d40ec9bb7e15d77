namespace ML.Pruning.Checkpoints;

/// <summary>Writes a safetensors file whose tensors become known one after the other, but whose names, types and shapes
/// are known beforehand. The file appears whole or not at all.</summary>
/// <remarks>Not thread-safe. Disposing without <see cref="Commit"/> removes what was written.</remarks>
internal sealed class SafetensorsStreamWriter : IDisposable
{
    private readonly AtomicFile _file;
    private readonly Queue<(string Name, long End)> _left = new();
    private long _due;

    /// <summary>Starts the file.</summary>
    /// <param name="path">Where it will appear.</param>
    /// <param name="tensors">What will be written, in this order.</param>
    /// <param name="metadata">Text values.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public SafetensorsStreamWriter(string path,
        IReadOnlyList<(string Name, TensorType Type, IReadOnlyList<long> Shape)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        DeclaredTensor[] declared = [.. tensors.Select(t => new DeclaredTensor(t.Name, t.Type, t.Shape))];
        ReadOnlySpan<byte> header = SafetensorsWriter.Header(declared, metadata);
        _file = new AtomicFile(path);
        _file.Stream.Write(header);
        _due = header.Length;
        long end = _due;
        foreach (DeclaredTensor tensor in declared)
        {
            end += tensor.ByteLength;
            _left.Enqueue((tensor.Name, end));
        }
    }

    /// <summary>The stream for the bytes of the next tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="InvalidOperationException">Another tensor is next, or the one before has not all its
    /// bytes.</exception>
    public Stream Start(string name)
    {
        RequireDue();
        (string next, long end) = _left.Dequeue();
        if (next != name) throw new InvalidOperationException($"Tensor '{next}' is next, not '{name}'.");
        _due = end;
        return _file.Stream;
    }

    /// <summary>Writes the next tensor.</summary>
    public void Write(StoredTensor tensor, CancellationToken cancellationToken) =>
        tensor.CopyTo(Start(tensor.Name), cancellationToken);

    /// <summary>Gives the file its name.</summary>
    /// <exception cref="InvalidOperationException">A tensor is missing.</exception>
    public void Commit()
    {
        if (_left.Count > 0) throw new InvalidOperationException($"Tensor '{_left.Peek().Name}' was not written.");
        RequireDue();
        _file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void RequireDue()
    {
        if (_file.Stream.Position != _due)
            throw new InvalidOperationException($"{_file.Stream.Position} bytes were written; {_due} were declared.");
    }

    private sealed class DeclaredTensor(string name, TensorType type, IReadOnlyList<long> shape)
        : StoredTensor(name, type, shape)
    {
        private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
            throw new NotSupportedException("A declared tensor has no content.");
    }
}
