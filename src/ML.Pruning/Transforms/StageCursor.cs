using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>A cursor with a stage's columns added, computed row by row.</summary>
internal sealed class StageCursor(StageMapper mapper, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    private readonly StageRow _row = new(mapper, input, active);

    public override DataViewSchema Schema => mapper.OutputSchema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool MoveNext() => input.MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        _row.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing) _row.Dispose();
        base.Dispose(disposing);
    }
}
