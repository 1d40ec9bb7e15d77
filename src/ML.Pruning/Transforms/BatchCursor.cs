using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>A cursor that reads ahead a batch of rows, so that a stage computes them together, and then replays the
/// input columns that were asked for.</summary>
internal sealed class BatchCursor : DataViewRowCursor
{
    private readonly StageMapper _mapper;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly IRowComputer _computer;
    private readonly ColumnBuffer?[] _buffers;
    private readonly ValueGetter<DataViewRowId> _inputId;
    private readonly DataViewRowId[] _ids;
    private readonly long[] _positions;
    private readonly long[] _batches;
    private int _count;
    private int _slot = -1;
    private bool _computed;

    public BatchCursor(StageMapper mapper, DataViewRowCursor input, bool[] active)
    {
        int capacity = mapper.Stage.BatchSize;
        _mapper = mapper;
        _input = input;
        _active = active;
        _computer = mapper.Stage.CreateComputer(input, capacity);
        _inputId = input.GetIdGetter();
        _ids = new DataViewRowId[capacity];
        _positions = new long[capacity];
        _batches = new long[capacity];
        _buffers = new ColumnBuffer?[mapper.InputSchema.Count];
        for (int i = 0; i < _buffers.Length; i++)
            if (active[i]) _buffers[i] = ColumnBuffer.Create(input, mapper.InputSchema[i], capacity);
    }

    public override DataViewSchema Schema => _mapper.OutputSchema;

    public override long Position => _slot < 0 ? -1 : _positions[_slot];

    public override long Batch => _slot < 0 ? 0 : _batches[_slot];

    public override bool MoveNext()
    {
        if (_slot + 1 >= _count && !Fill())
        {
            _slot = -1;
            _count = 0;
            return false;
        }

        _slot++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() =>
        (ref DataViewRowId value) => value = _ids[CheckedSlot()];

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        StageGetters.CheckActive(_active, column);
        return column.Index < _buffers.Length
            ? _buffers[column.Index]!.CreateGetter(CheckedSlot) as ValueGetter<TValue>
                ?? throw StageGetters.WrongType<TValue>(column)
            : StageGetters.Added<TValue>(_computer, column, _buffers.Length, ComputedSlot);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _input.Dispose();
        base.Dispose(disposing);
    }

    private bool Fill()
    {
        _count = 0;
        _slot = -1;
        _computed = false;
        while (_count < _ids.Length && _input.MoveNext())
        {
            _inputId(ref _ids[_count]);
            _positions[_count] = _input.Position;
            _batches[_count] = _input.Batch;
            foreach (ColumnBuffer? buffer in _buffers) buffer?.Read(_count);
            _computer.Read(_count);
            _count++;
        }

        return _count > 0;
    }

    private int CheckedSlot() => _slot >= 0
        ? _slot
        : throw new InvalidOperationException("Cannot call a getter with the cursor in its current state: "
            + "call MoveNext first.");

    private int ComputedSlot()
    {
        int slot = CheckedSlot();
        if (!_computed)
        {
            _computer.Compute(_count);
            _computed = true;
        }

        return slot;
    }
}
