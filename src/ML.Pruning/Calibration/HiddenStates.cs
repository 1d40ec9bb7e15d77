using ML.Pruning.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>The hidden states of all calibration windows before one layer, [windows, length, hidden size], in memory or
/// in a temporary file.</summary>
/// <remarks>The same bits either way. Not thread-safe. Dispose it to free the memory, or the file, which also goes when
/// the process is killed.</remarks>
internal abstract class HiddenStates : IDisposable
{
    /// <summary>Makes room.</summary>
    /// <param name="storage">Where.</param>
    /// <param name="folder">Folder of the temporary file.</param>
    /// <param name="windows">Windows.</param>
    /// <param name="length">Tokens in a window.</param>
    /// <param name="width">Hidden size.</param>
    /// <param name="type">Type of the states.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public static HiddenStates Create(
        CalibrationStorage storage, string folder, int windows, int length, int width, ScalarType type) =>
        storage == CalibrationStorage.Disk ? new InFile(folder, length, width, type)
            : new InMemory(empty([windows, length, width], dtype: type).DetachFromDisposeScope());

    /// <summary>The states of some windows, [count, length, width], which belong to the current scope; they may change
    /// with the next <see cref="Write"/>.</summary>
    public abstract Tensor Read(int start, int count);

    /// <summary>Replaces the states of the windows from one on.</summary>
    /// <param name="start">The first window.</param>
    /// <param name="states">[count, length, width].</param>
    public abstract void Write(int start, Tensor states);

    /// <inheritdoc/>
    public abstract void Dispose();

    private sealed class InMemory(Tensor states) : HiddenStates
    {
        public override Tensor Read(int start, int count) => states.narrow(0, start, count);

        public override void Write(int start, Tensor batch)
        {
            using Tensor target = states.narrow(0, start, batch.shape[0]);
            target.copy_(batch);
        }

        public override void Dispose() => states.Dispose();
    }

    private sealed class InFile(string folder, int length, int width, ScalarType type) : HiddenStates
    {
        private readonly TemporaryFile _file = new(folder, "activations");
        private readonly long _windowBytes = (long)length * width * (type == ScalarType.BFloat16 ? 2 : sizeof(float));

        public override Tensor Read(int start, int count)
        {
            Tensor states = empty([count, length, width], dtype: type);
            _file.Read(start * _windowBytes, states.bytes);
            return states;
        }

        public override void Write(int start, Tensor states)
        {
            using Tensor dense = states.contiguous();
            _file.Write(start * _windowBytes, dense.bytes);
        }

        public override void Dispose() => _file.Dispose();
    }
}
