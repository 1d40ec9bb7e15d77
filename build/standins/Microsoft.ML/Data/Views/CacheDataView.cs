using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Keeps columns in memory from the first time they are asked for. Columns that are neither primitive nor vectors
/// are dropped.
/// </summary>
internal sealed class CacheDataView : IDataView
{
    private const int BatchSize = 64;

    private readonly IDataView _source;
    private readonly int[] _prefetch;
    private readonly Lock _lock = new();
    private readonly ColumnStore[] _stores;
    private int _rowCount = -1;

    internal CacheDataView(IDataView source, string[] columnsToPrefetch)
    {
        _source = ColumnSelection.CopyableColumnsOf(source);
        _stores = new ColumnStore[Schema.Count];
        _prefetch = Array.ConvertAll(columnsToPrefetch ?? [], name => Schema.GetColumnOrNull(name)?.Index
            ?? throw Contracts.ExceptSchemaMismatch(null, nameof(columnsToPrefetch), "prefetch", name));
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => _rowCount < 0 ? _source.GetRowCount() : _rowCount;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        GetRowCursorSet(columnsNeeded, 1, rand)[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null)
    {
        Check.Param(n > 0, nameof(n));
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        Fill(active);
        int[] order = null;
        if (rand != null)
        {
            order = [.. Enumerable.Range(0, _rowCount)];
            rand.Shuffle(order);
        }
        int cursors = Math.Min(n, 2 * Math.Max(2, Environment.ProcessorCount - 1));
        return [.. Enumerable.Range(0, cursors).Select(i => new Cursor(this, active, order, i, cursors))];
    }

    /// <summary>One pass over the source for all columns that are needed and not yet here.</summary>
    private void Fill(bool[] active)
    {
        lock (_lock)
        {
            DataViewSchema.Column[] missing =
                [.. Schema.Where(c => (active[c.Index] || _prefetch.Contains(c.Index)) && _stores[c.Index] == null)];
            if (missing.Length == 0 && _rowCount >= 0) return;
            using DataViewRowCursor cursor = _source.GetRowCursor(missing);
            ColumnStore[] stores = Array.ConvertAll(missing, column => ColumnStore.Create(column.Type));
            Action<int>[] writers = [.. stores.Zip(missing, (store, column) => store.WriterFrom(cursor, column))];
            int count = 0;
            for (; cursor.MoveNext(); count++)
                foreach (Action<int> write in writers)
                    write(count);
            if (_rowCount >= 0 && _rowCount != count)
                throw new InvalidOperationException("The number of rows has changed since the first caching");
            _rowCount = count;
            for (int i = 0; i < missing.Length; i++) _stores[missing[i].Index] = stores[i];
        }
    }

    /// <summary>Cursor i of n serves the batches i, i + n, i + 2n...</summary>
    private sealed class Cursor(CacheDataView parent, bool[] active, int[] order, int first, int stride)
        : RootCursor(parent.Schema, active)
    {
        private int _next = first * BatchSize;
        private int _row;

        public override long Batch => _next > 0 ? (_next - 1) / BatchSize : 0;

        protected override long IdLow => _row;

        protected override bool MoveNextCore()
        {
            if (_next > first * BatchSize && _next % BatchSize == 0) _next += (stride - 1) * BatchSize;
            if (_next >= parent._rowCount) return false;
            _row = order == null ? _next : order[_next];
            _next++;
            return true;
        }

        protected override Delegate GetterOf(int column) => parent._stores[column].GetterOf(() => _row);
    }
}
