using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Reads the model out of a column.</summary>
internal static class ModelColumn
{
    /// <summary>The model in the first row.</summary>
    /// <exception cref="ArgumentException">There is no row, or the row holds no model.</exception>
    public static LanguageModel Read(IDataView data, string columnName)
    {
        DataViewSchema.Column column = StageColumn.Model(columnName).Find(data.Schema);
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<LanguageModel> getter = cursor.GetGetter<LanguageModel>(column);
        if (!cursor.MoveNext())
            throw new ArgumentException(
                $"The data has no rows, so column '{columnName}' holds no model.", nameof(data));
        LanguageModel model = null!;
        getter(ref model);
        return model ?? throw new ArgumentException(
            $"Column '{columnName}' holds no model in its first row.", nameof(data));
    }
}
