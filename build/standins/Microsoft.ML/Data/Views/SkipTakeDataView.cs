namespace Microsoft.ML.Data;

/// <summary>The rows after the first few, and no more than so many.</summary>
internal sealed class SkipTakeDataView(IDataView source, long skip, long take) : IDataView
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => source.GetRowCount() is { } count ? Math.Clamp(count - skip, 0, take) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(source.GetRowCursor(columnsNeeded), skip, take);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewRowCursor input, long skip, long take) : WrappingCursor(input)
    {
        private long _toSkip = skip;
        private long _position = -1;
        private bool _done;

        public override long Position => _position;

        public override bool MoveNext()
        {
            while (_toSkip > 0 && !_done)
            {
                _toSkip--;
                _done = !Input.MoveNext();
            }
            if (!_done && _position + 1 < take && Input.MoveNext())
            {
                _position++;
                return true;
            }
            _done = true;
            _position = -1;
            return false;
        }
    }
}
