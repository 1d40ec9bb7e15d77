using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>A row with a stage's columns added; computes a batch of one when a value is asked for.</summary>
internal sealed class StageRow : DataViewRow
{
    private readonly StageMapper _mapper;
    private readonly DataViewRow _input;
    private readonly bool[] _active;
    private readonly IRowComputer? _computer;
    private long _computedPosition = long.MinValue;

    public StageRow(StageMapper mapper, DataViewRow input, bool[] active)
    {
        _mapper = mapper;
        _input = input;
        _active = active;
        if (mapper.AnyAdded(active)) _computer = mapper.Stage.CreateComputer(input, 1);
    }

    public override DataViewSchema Schema => _mapper.OutputSchema;

    public override long Position => _input.Position;

    public override long Batch => _input.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        StageGetters.CheckActive(_active, column);
        return column.Index < _mapper.InputSchema.Count
            ? _input.GetGetter<TValue>(_mapper.InputSchema[column.Index])
            : StageGetters.Added<TValue>(_computer!, column, _mapper.InputSchema.Count, CurrentSlot);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _input.Dispose();
        base.Dispose(disposing);
    }

    private int CurrentSlot()
    {
        if (_computedPosition != _input.Position)
        {
            _computer!.Read(0);
            _computer.Compute(1);
            _computedPosition = _input.Position;
        }

        return 0;
    }
}
