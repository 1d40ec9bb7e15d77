using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>Plain reading of memory on one thread: what no product of matrices in memory can exceed.</summary>
internal static unsafe class ReadLimit
{
    /// <summary>Bytes of one turn.</summary>
    public const int TurnBytes = 4 << 20;

    /// <summary>Turns through memory of at least so many bytes.</summary>
    public static Rotation<ReadBlock> Create(long bytes) =>
        new([.. Enumerable.Range(0, (int)(bytes / TurnBytes) + 1).Select(_ => new ReadBlock())], block => block.Read());

    /// <summary>One block of memory.</summary>
    internal sealed class ReadBlock : IDisposable
    {
        private readonly float* _memory = (float*)NativeMemory.AlignedAlloc(TurnBytes, 64);
        private float _sum;

        public ReadBlock() => new Span<float>(_memory, TurnBytes / sizeof(float)).Fill(1);

        public void Read()
        {
            const int Step = 16;
            Vector512<float> a = default, b = default, c = default, d = default;
            for (float* p = _memory, end = _memory + TurnBytes / sizeof(float); p < end; p += 4 * Step)
            {
                a += Vector512.LoadAligned(p);
                b += Vector512.LoadAligned(p + Step);
                c += Vector512.LoadAligned(p + 2 * Step);
                d += Vector512.LoadAligned(p + 3 * Step);
            }

            _sum += Vector512.Sum(a + b + (c + d));
        }

        public void Dispose()
        {
            if (!float.IsFinite(_sum))
                throw new InvalidOperationException("The memory that was read is not what was written.");
            NativeMemory.AlignedFree(_memory);
        }
    }
}
