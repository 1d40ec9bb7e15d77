using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>A data view with a stage's columns added. Nothing is computed until a cursor is asked for a
/// value.</summary>
internal sealed class StageView(IDataView source, StageMapper mapper) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        return Wrap(source.GetRowCursor(mapper.GetDependencies(columns), rand), columns);
    }

    public DataViewRowCursor[] GetRowCursorSet(
        IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        DataViewRowCursor[] cursors = source.GetRowCursorSet(mapper.GetDependencies(columns), n, rand);
        return [.. cursors.Select(cursor => Wrap(cursor, columns))];
    }

    private DataViewRowCursor Wrap(DataViewRowCursor input, DataViewSchema.Column[] columns)
    {
        bool[] active = mapper.Active(columns);
        return mapper.AnyAdded(active) && mapper.Stage.BatchSize > 1
            ? new BatchCursor(mapper, input, active)
            : new StageCursor(mapper, input, active);
    }
}
