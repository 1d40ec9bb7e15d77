namespace ML.Pruning.Kernels;

/// <summary>What follows from format, type and size of a packed matrix alone.</summary>
internal readonly record struct PackedShape(PackedFormat Format, PackedType Type, int Rows, int Columns)
{
    /// <summary>Output rows that share a vector.</summary>
    public const int GroupRows = 16;

    /// <summary>Columns are padded to a multiple of this; also the columns of an int4 scale.</summary>
    public const int ColumnStep = 64;

    /// <summary>The most rows.</summary>
    public const int MaxRows = 1 << 24;

    /// <summary>The most columns, so that a sum of products of codes fits in 31 bits.</summary>
    public const int MaxColumns = 1 << 17;

    private const int MaxIndexed = 1 << 16;

    /// <summary>Groups of 16 rows.</summary>
    public int Groups => (Rows + GroupRows - 1) / GroupRows;

    /// <summary>Blocks of 64 columns.</summary>
    public int Blocks => (Columns + ColumnStep - 1) / ColumnStep;

    /// <summary>Columns with padding.</summary>
    public int PaddedColumns => Blocks * ColumnStep;

    /// <summary>Columns that a vector covers.</summary>
    public int VectorColumns => Type switch { PackedType.Float32 => 1, PackedType.BFloat16 => 2, _ => 4 };

    /// <summary>Vectors of a group.</summary>
    public int Vectors => PaddedColumns / VectorColumns;

    /// <summary>Weights of a vector, and bits of its mask.</summary>
    public int VectorElements => GroupRows * VectorColumns;

    /// <summary>Bytes of a stored weight; int4 has two in a byte.</summary>
    public int ValueBytes => Type switch { PackedType.Float32 => 4, PackedType.BFloat16 => 2, _ => 1 };

    /// <summary>Bytes of a vector that is stored whole.</summary>
    public int VectorBytes => Type == PackedType.Int4 ? 32 : 64;

    /// <summary>Bytes of a vector's mask.</summary>
    public int MaskBytes => VectorElements / 8;

    /// <summary>Numbers in the stream of offsets.</summary>
    public long OffsetsCount => Format switch
    {
        PackedFormat.Dense => 0,
        PackedFormat.Csr => (long)Groups * GroupRows + 1,
        _ => Groups + 1,
    };

    /// <summary>Bytes of the stream of scales.</summary>
    public long ScalesBytes => Type switch
    {
        PackedType.Int8 => (long)Groups * GroupRows * sizeof(float),
        PackedType.Int4 => (long)Groups * Blocks * GroupRows * sizeof(ushort),
        _ => 0,
    };

    /// <summary>Bytes of the stream of row sums of codes.</summary>
    public long SumsBytes => Type == PackedType.Int8 ? (long)Groups * GroupRows * sizeof(int) : 0;

    /// <summary>Null if format, type and size go together, else what is wrong.</summary>
    public string? Fault()
    {
        bool indexed = Format is PackedFormat.Csr || (Format is PackedFormat.Block && Type is PackedType.Float32);
        return !Enum.IsDefined(Format) ? $"the format {(int)Format} is none of 0 (dense) to 3 (CSR)"
            : !Enum.IsDefined(Type) ? $"the type {(int)Type} is none of 0 (float32) to 3 (int4)"
            : Rows is < 1 or > MaxRows ? $"{Rows} rows are not in 1..{MaxRows}"
            : Columns is < 1 or > MaxColumns ? $"{Columns} columns are not in 1..{MaxColumns}"
            : Format is PackedFormat.Csr && Type is not PackedType.Float32 ? "CSR stores float32 only"
            : indexed && Columns > MaxIndexed ? $"{Columns} columns are more than the {MaxIndexed} that {Format} takes"
            : null;
    }
}
