using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Rows in random order, the same for each cursor: each row is drawn from a pool that the source refills. Columns that
/// are neither primitive nor vectors are dropped.
/// </summary>
internal sealed class ShuffledDataView(IDataView input, int seed, int poolSize, bool shuffleSource) : IDataView
{
    private readonly IDataView _source = ColumnSelection.CopyableColumnsOf(input);

    public bool CanShuffle => true;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        rand ??= RandomUtils.Create(seed);
        Random sourceRand = shuffleSource && _source.CanShuffle ? RandomUtils.Create(rand) : null;
        DataViewRowCursor cursor = _source.GetRowCursor(Schema.Where(c => active[c.Index]), sourceRand);
        return poolSize < 2 ? cursor : new Cursor(cursor, active, rand, poolSize);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursor
    {
        private readonly DataViewRowCursor _input;
        private readonly Random _rand;
        private readonly int _poolSize;
        private readonly ColumnStore[] _stores;
        private readonly ColumnStore<DataViewRowId> _ids = new();
        private readonly Action<int> _write;
        private readonly List<int> _filled = [];
        private int _slot = -1;
        private bool _inputDone;

        internal Cursor(DataViewRowCursor input, bool[] active, Random rand, int poolSize)
            : base(input.Schema, active)
        {
            _input = input;
            _rand = rand;
            _poolSize = poolSize;
            _write = _ids.WriterFrom(input.GetIdGetter());
            _stores = new ColumnStore[active.Length];
            foreach (DataViewSchema.Column column in input.Schema.Where(c => active[c.Index]))
            {
                _stores[column.Index] = ColumnStore.Create(column.Type);
                _write += _stores[column.Index].WriterFrom(input, column);
            }
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ValueGetter<DataViewRowId>)_ids.GetterOf(() => _slot);

        protected override bool MoveNextCore()
        {
            // The slot of the last row is free again; before the pool is full, so is the slot behind it.
            while (!_inputDone && _filled.Count < _poolSize)
            {
                if (!_input.MoveNext())
                {
                    _inputDone = true;
                    break;
                }
                int free = _slot >= 0 ? _slot : _filled.Count;
                _slot = -1;
                _write(free);
                _filled.Add(free);
            }
            if (_filled.Count == 0) return false;
            int drawn = _rand.Next(_filled.Count);
            _slot = _filled[drawn];
            _filled[drawn] = _filled[^1];
            _filled.RemoveAt(_filled.Count - 1);
            return true;
        }

        protected override Delegate GetterOf(int column) => _stores[column].GetterOf(() => _slot);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _input.Dispose();
            base.Dispose(disposing);
        }
    }
}
