using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>Unpacks one group of 16 rows, 64 columns after 64 columns.</summary>
internal ref struct BlockReader
{
    private readonly PackedReader _matrix;
    private readonly int _group;
    private readonly int _vectorsPerBlock;
    private long _even;    // bitmask: byte of the next value; int4: of even vectors
    private long _odd;     // int4: of odd vectors
    private long _vector;  // block: the next one

    public BlockReader(PackedReader matrix, int group)
    {
        _matrix = matrix;
        _group = group;
        PackedShape shape = matrix.Shape;
        _vectorsPerBlock = PackedShape.ColumnStep / shape.VectorColumns;
        switch (shape.Format)
        {
            case PackedFormat.Bitmask:
                _even = _odd = (long)matrix.Offsets[group] * PackedLayout.Alignment;
                break;
            case PackedFormat.Block:
                _vector = matrix.Offsets[group];
                break;
            default:
                _vector = (long)group * shape.Vectors;
                break;
        }
    }

    /// <summary>The next block.</summary>
    /// <param name="block">Its number, from 0, one after the other.</param>
    /// <param name="weights">Destination [64 columns, 16 rows]: weights, or codes for the integer types.</param>
    public void Read(int block, scoped Span<float> weights)
    {
        weights.Clear();
        switch (_matrix.Shape.Format)
        {
            case PackedFormat.Dense:
                for (int v = 0; v < _vectorsPerBlock; v++)
                    ReadVector(_vector++, v, weights);
                break;
            case PackedFormat.Bitmask:
                ReadMasked(block, weights);
                break;
            case PackedFormat.Block:
                ReadBlocks(block, weights);
                break;
            default:
                ReadRows(block, weights);
                break;
        }
    }

    private void ReadMasked(int block, scoped Span<float> weights)
    {
        PackedShape shape = _matrix.Shape;
        int bytes = shape.MaskBytes;
        long first = (long)_group * shape.Vectors + (long)block * _vectorsPerBlock;
        Span<byte> mask = stackalloc byte[sizeof(ulong)];
        for (int v = 0; v < _vectorsPerBlock; v++)
        {
            mask.Clear();
            _matrix.Index.Slice((int)(first + v) * bytes, bytes).CopyTo(mask);
            bool odd = shape.Type == PackedType.Int4 && (v & 1) != 0;
            ref long at = ref _even;
            if (odd)
                at = ref _odd;
            for (ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(mask); bits != 0; bits &= bits - 1)
            {
                Put(weights, v, BitOperations.TrailingZeroCount(bits), Value((int)at, odd));
                at += shape.ValueBytes;
            }
        }
    }

    private void ReadBlocks(int block, scoped Span<float> weights)
    {
        ReadOnlySpan<ushort> index = MemoryMarshal.Cast<byte, ushort>(_matrix.Index);
        int first = block * _vectorsPerBlock;
        for (long end = _matrix.Offsets[_group + 1];
             _vector < end && index[(int)_vector] < first + _vectorsPerBlock; _vector++)
            ReadVector(_vector, index[(int)_vector] - first, weights);
    }

    // A vector that is stored whole; int4 has two in 64 bytes, the first in the low nibbles.
    private readonly void ReadVector(long stored, int v, scoped Span<float> weights)
    {
        PackedShape shape = _matrix.Shape;
        bool int4 = shape.Type == PackedType.Int4;
        int at = (int)((int4 ? stored / 2 : stored) * 64);
        for (int element = 0; element < shape.VectorElements; element++)
            Put(weights, v, element, Value(at + element * shape.ValueBytes, int4 && (stored & 1) != 0));
    }

    private readonly void ReadRows(int block, scoped Span<float> weights)
    {
        ReadOnlySpan<ushort> index = MemoryMarshal.Cast<byte, ushort>(_matrix.Index);
        int first = block * PackedShape.ColumnStep;
        for (int row = 0; row < PackedShape.GroupRows; row++)
        {
            int list = _group * PackedShape.GroupRows + row;
            int end = (int)_matrix.Offsets[list + 1];
            ReadOnlySpan<ushort> places = index[(int)_matrix.Offsets[list]..end];
            int at = places.BinarySearch((ushort)Math.Min(first, ushort.MaxValue));
            for (int i = at < 0 ? ~at : at; i < places.Length && places[i] < first + PackedShape.ColumnStep; i++)
                weights[(places[i] - first) * PackedShape.GroupRows + row] =
                    Value(((int)_matrix.Offsets[list] + i) * sizeof(float), odd: false);
        }
    }

    private readonly void Put(Span<float> weights, int vector, int element, float value)
    {
        int columns = _matrix.Shape.VectorColumns;
        int column = vector * columns + element % columns;
        weights[column * PackedShape.GroupRows + element / columns] = value;
    }

    private readonly float Value(int at, bool odd) => _matrix.Shape.Type switch
    {
        PackedType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(_matrix.Values[at..]),
        PackedType.BFloat16 => BitConverter.UInt32BitsToSingle(
            (uint)BinaryPrimitives.ReadUInt16LittleEndian(_matrix.Values[at..]) << 16),
        PackedType.Int8 => (sbyte)_matrix.Values[at],
        _ => (odd ? _matrix.Values[at] >> 4 : _matrix.Values[at] & 15) - 8,
    };
}
