using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>What rows and cursors of a stage share.</summary>
internal static class StageGetters
{
    /// <summary>Refuses a column that was not asked for.</summary>
    public static void CheckActive(bool[] active, DataViewSchema.Column column)
    {
        if (column.Index >= active.Length || !active[column.Index])
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' is not active.");
    }

    /// <summary>The getter of an added column.</summary>
    public static ValueGetter<TValue> Added<TValue>(
        IRowComputer computer, DataViewSchema.Column column, int firstAdded, Func<int> currentSlot) =>
        computer.CreateGetter(column.Index - firstAdded, currentSlot) as ValueGetter<TValue>
        ?? throw WrongType<TValue>(column);

    /// <summary>The error for a getter of the wrong type.</summary>
    public static InvalidOperationException WrongType<TValue>(DataViewSchema.Column column) => new(
        $"Column '{column.Name}' has type {column.Type} (raw type {column.Type.RawType.Name}), "
        + $"not {typeof(TValue).Name}.");
}
