using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Kernels;

/// <summary>Packs a matrix in C#, byte for byte as the native library does.</summary>
internal sealed class ManagedPacker(PackedShape shape) : IMatrixPacker
{
    private const int Rows = PackedShape.GroupRows;

    private readonly ByteStream _offsets = new();
    private readonly ByteStream _scales = new();
    private readonly ByteStream _sums = new();
    private readonly ByteStream _index = new();
    private readonly ByteStream _values = new();
    private readonly WeightGrid? _grid = shape.Type switch
    {
        PackedType.Int8 => new Int8PerRow(),
        PackedType.Int4 => new Int4Groups(PackedShape.ColumnStep),
        _ => null,
    };

    private long _kept;
    private long _vectors;

    public long Bytes => Layout.Total;

    private PackedLayout Layout => PackedLayout.Of(shape, _index.Length, _values.Length);

    public void Add(ReadOnlySpan<float> weights, int count, ReadOnlySpan<float> scales)
    {
        if (shape.Format != PackedFormat.Dense && _offsets.Length == 0)
            _offsets.Put(0u);
        int rowScales = scales.Length / count;
        for (int row = 0; row < count; row += Rows)
        {
            int rows = Math.Min(Rows, count - row);
            AddGroup(weights.Slice(row * shape.Columns, rows * shape.Columns), rows,
                scales.IsEmpty ? default : scales.Slice(row * rowScales, rows * rowScales));
        }
    }

    public unsafe void Write(byte* blob, long bytes)
    {
        PackedLayout layout = Layout;
        Span<byte> to = new(blob, checked((int)bytes));
        to.Clear();
        var header = new PackedHeader
        {
            Magic = PackedHeader.ExpectedMagic,
            Version = PackedHeader.ExpectedVersion,
            Format = (byte)shape.Format,
            Type = (byte)shape.Type,
            Rows = (uint)shape.Rows,
            Columns = (uint)shape.Columns,
            Bytes = (ulong)layout.Total,
            Kept = (ulong)(shape.Format == PackedFormat.Dense ? (long)shape.Rows * shape.Columns : _kept),
            OffsetsAt = (uint)(layout.Offsets / PackedLayout.Alignment),
            ScalesAt = (uint)(layout.Scales / PackedLayout.Alignment),
            SumsAt = (uint)(layout.Sums / PackedLayout.Alignment),
            IndexAt = (uint)(layout.Index / PackedLayout.Alignment),
            ValuesAt = (uint)(layout.Values / PackedLayout.Alignment),
        };
        MemoryMarshal.Write(to, header);
        _offsets.CopyTo(to[(int)layout.Offsets..]);
        _scales.CopyTo(to[(int)layout.Scales..]);
        _sums.CopyTo(to[(int)layout.Sums..]);
        _index.CopyTo(to[(int)layout.Index..]);
        _values.CopyTo(to[(int)layout.Values..]);
    }

    public void Dispose()
    {
    }

    private void AddGroup(ReadOnlySpan<float> weights, int rows, ReadOnlySpan<float> scales)
    {
        // What is stored, as bits [16 rows, padded columns]; codes of int4 with 8 added where they are kept.
        uint[] stored = new uint[Rows * shape.PaddedColumns];
        for (int row = 0; row < rows; row++)
        {
            Span<uint> to = stored.AsSpan(row * shape.PaddedColumns, shape.Columns);
            ReadOnlySpan<float> from = weights.Slice(row * shape.Columns, shape.Columns);
            if (shape.Type == PackedType.Float32)
                MemoryMarshal.Cast<float, uint>(from).CopyTo(to);
            else if (shape.Type == PackedType.BFloat16)
                ToBFloat16(from, to);
        }

        if (_grid is not null)
            Quantize(_grid, weights, rows, scales, stored);
        if (shape.Format == PackedFormat.Csr)
            PutRows(stored);
        else if (shape.Format == PackedFormat.Bitmask)
            PutMasked(stored);
        else
            PutVectors(stored);
    }

    private void Quantize(
        WeightGrid grid, ReadOnlySpan<float> weights, int rows, ReadOnlySpan<float> given, Span<uint> stored)
    {
        int groups = grid.Groups(shape.Columns);
        float[] scales = new float[Rows * groups];
        Array.Fill(scales, 1);
        sbyte[] codes = new sbyte[shape.Columns];
        for (int row = 0; row < Rows; row++)
        {
            int sum = 0;
            if (row < rows)
            {
                ReadOnlySpan<float> from = weights.Slice(row * shape.Columns, shape.Columns);
                Span<float> of = scales.AsSpan(row * groups, groups);
                if (given.IsEmpty)
                    Quantizer.Scales(from, grid, of);
                else
                    given.Slice(row * groups, groups).CopyTo(of);
                Quantizer.QuantizeRow(from, of, grid, codes);
                for (int k = 0; k < codes.Length; k++)
                {
                    stored[row * shape.PaddedColumns + k] = (byte)codes[k];
                    sum += codes[k];
                }
            }

            if (shape.Type == PackedType.Int8)
                _sums.Put(sum);
        }

        if (shape.Type == PackedType.Int8)
        {
            _scales.Put<float>(scales);
            return;
        }

        for (int block = 0; block < groups; block++)
            for (int row = 0; row < Rows; row++)
                _scales.Put((ushort)(BitConverter.SingleToUInt32Bits(scales[row * groups + block]) >> 16));
    }

    private void PutMasked(ReadOnlySpan<uint> stored)
    {
        long[] nibbles = [_values.Length, _values.Length];
        Span<byte> mask = stackalloc byte[sizeof(ulong)];
        for (int v = 0; v < shape.Vectors; v++)
        {
            mask.Clear();
            for (int element = 0; element < shape.VectorElements; element++)
            {
                uint value = Element(stored, v, element);
                if (IsZero(value))
                    continue;
                mask[element / 8] |= (byte)(1 << element % 8);
                _kept++;
                if (shape.Type == PackedType.Int4)
                    PutNibble(nibbles[v & 1]++, (v & 1) != 0, value);
                else
                    PutValue(value);
            }

            _index.Put<byte>(mask[..shape.MaskBytes]);
        }

        _values.PadTo(PackedLayout.Alignment);
        _offsets.Put((uint)(_values.Length / PackedLayout.Alignment));
    }

    private void PutVectors(ReadOnlySpan<uint> stored)
    {
        bool block = shape.Format == PackedFormat.Block;
        for (int v = 0; v < shape.Vectors; v++)
        {
            if (block)
            {
                bool any = false;
                for (int element = 0; element < shape.VectorElements && !any; element++)
                    any = !IsZero(Element(stored, v, element));
                if (!any)
                    continue;
                _index.Put((ushort)v);
                _kept += shape.VectorElements;
            }

            for (int element = 0; element < shape.VectorElements; element++)
            {
                uint value = Element(stored, v, element);
                if (shape.Type == PackedType.Int4)
                    PutNibble(_vectors / 2 * 64 + element, (_vectors & 1) != 0, value);
                else
                    PutValue(value);
            }

            _vectors++;
        }

        if (block)
            _offsets.Put((uint)_vectors);
    }

    private void PutRows(ReadOnlySpan<uint> stored)
    {
        for (int row = 0; row < Rows; row++)
        {
            for (int k = 0; k < shape.Columns; k++)
            {
                uint value = stored[row * shape.PaddedColumns + k];
                if (IsZero(value))
                    continue;
                _index.Put((ushort)k);
                PutValue(value);
                _kept++;
            }

            _offsets.Put((uint)_kept);
        }
    }

    private uint Element(ReadOnlySpan<uint> stored, int vector, int element)
    {
        int columns = shape.VectorColumns;
        return stored[element / columns * shape.PaddedColumns + vector * columns + element % columns];
    }

    // Minus zero is zero.
    private bool IsZero(uint value) => shape.Type switch
    {
        PackedType.Float32 => value << 1 == 0,
        PackedType.BFloat16 => (value & 0x7FFF) == 0,
        _ => value == 0,
    };

    private void PutValue(uint value)
    {
        if (shape.ValueBytes == sizeof(uint))
            _values.Put(value);
        else if (shape.ValueBytes == sizeof(ushort))
            _values.Put((ushort)value);
        else
            _values.Put((byte)value);
    }

    private void PutNibble(long at, bool odd, uint code)
    {
        _values.PadTo(at + 1, 1);
        _values[at] |= (byte)((code + 8 & 15) << (odd ? 4 : 0));
    }

    private static void ToBFloat16(ReadOnlySpan<float> from, Span<uint> to)
    {
        byte[] bytes = new byte[from.Length * sizeof(ushort)];
        ElementConversion.FromSingle(TensorType.BF16, from, bytes);
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(bytes);
        for (int i = 0; i < halves.Length; i++)
            to[i] = halves[i];
    }
}
