using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>How many weights a mask removes, by shape alone.</summary>
internal static class RemovalCount
{
    /// <summary>The weights removed from one tensor, and whether that is exact: blocks at an edge may be smaller, and
    /// in the groups layer and model tensors compete.</summary>
    public static (long Count, bool IsExact) Of(
        WeightShape tensor, SparsityPattern pattern, ComparisonGroup group, double sparsity, int tileColumns)
    {
        switch (pattern)
        {
            case NofMPattern nofM:
                return (tensor.Count / nofM.M * (nofM.M - nofM.N), true);
            case BlockPattern block:
                int rows = (tensor.Rows + block.Rows - 1) / block.Rows;
                int columns = (tensor.Columns + block.Columns - 1) / block.Columns;
                bool whole = tensor.Rows % block.Rows == 0 && tensor.Columns % block.Columns == 0;
                int tile = group == ComparisonGroup.Tile ? MaskSelector.TileWidth(block, tileColumns) : columns;
                (long blocks, bool exact) = Of(rows, columns, tile, group, sparsity);
                return (Math.Min(blocks * block.Rows * block.Columns, tensor.Count), exact && whole);
            default:
                return Of(tensor.Rows, tensor.Columns, tileColumns, group, sparsity);
        }
    }

    private static (long Count, bool IsExact) Of(
        int rows, int columns, int tile, ComparisonGroup group, double sparsity)
    {
        switch (group)
        {
            case ComparisonGroup.Row:
                return (rows * MaskSelector.RemovedOf(columns, sparsity), true);
            case ComparisonGroup.Tile:
                long full = columns / tile * MaskSelector.RemovedOf((long)rows * tile, sparsity);
                return (full + MaskSelector.RemovedOf((long)rows * (columns % tile), sparsity), true);
            default:
                return (MaskSelector.RemovedOf((long)rows * columns, sparsity), group == ComparisonGroup.Tensor);
        }
    }
}
