using System.Globalization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Gives each row a number in [0, 1): seeded and drawn row by row, or, with a key column, a hash of the key. Views of
/// disjoint ranges of that number are disjoint sets of rows.
/// </summary>
internal sealed class RowSplitter
{
    private const uint DefaultSeed = 42;

    private readonly IDataView _data;
    private readonly DataViewSchema.Column? _key;
    private readonly uint _seed;

    internal RowSplitter(IHostEnvironment env, IDataView data, string samplingKeyColumnName, int? seed)
    {
        _data = data;
        _seed = (uint?)(seed ?? ((IHostEnvironmentInternal)env).Seed) ?? DefaultSeed;
        if (samplingKeyColumnName == null) return;
        _key = data.Schema.GetColumnOrNull(samplingKeyColumnName) ?? throw env.ExceptSchemaMismatch(
            nameof(samplingKeyColumnName), "SamplingKeyColumn", samplingKeyColumnName);
        if (_key.Value.Type is not PrimitiveDataViewType)
            throw env.ExceptSchemaMismatch(nameof(samplingKeyColumnName), "SamplingKeyColumn", samplingKeyColumnName,
                "a text, number or key type", _key.Value.Type.ToString());
    }

    /// <summary>The rows whose number is in [low, high), or those whose number is not.</summary>
    internal IDataView Range(double low, double high, bool complement = false) =>
        new View(this, number => (low <= number && number < high) != complement);

    private Func<double> NumberOf(DataViewRow row)
    {
        if (_key == null)
        {
            Random rand = new TauswortheHybrid(_seed);
            return rand.NextDouble;
        }
        return (Func<double>)Generic.Call(typeof(RowSplitter), nameof(HashOf), [_key.Value.Type.RawType], row,
            _key.Value, _seed);
    }

    /// <summary>FNV-1a over the invariant text of the key, mixed so that the high bits depend on all of it.</summary>
    private static Func<double> HashOf<T>(DataViewRow row, DataViewSchema.Column column, uint seed)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            ulong hash = 14695981039346656037UL ^ seed;
            foreach (char c in Convert.ToString(value, CultureInfo.InvariantCulture))
                hash = (hash ^ c) * 1099511628211UL;
            hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDUL;
            hash ^= hash >> 33;
            return (hash >> 11) * (1.0 / (1UL << 53));
        };
    }

    private sealed class View(RowSplitter splitter, Func<double, bool> contains) : IDataView
    {
        private readonly IDataView _source = splitter._data;

        /// <summary>Numbers drawn row by row need the rows in their order.</summary>
        public bool CanShuffle => splitter._key != null && _source.CanShuffle;

        public DataViewSchema Schema => _source.Schema;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        {
            bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
            IEnumerable<DataViewSchema.Column> needed =
                Schema.Where(c => active[c.Index] || c.Index == splitter._key?.Index);
            DataViewRowCursor cursor = _source.GetRowCursor(needed, CanShuffle ? rand : null);
            return new Cursor(cursor, active, splitter.NumberOf(cursor), contains);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
            Random rand = null) => [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class Cursor(DataViewRowCursor input, bool[] active, Func<double> number,
        Func<double, bool> contains) : WrappingCursor(input)
    {
        private long _position = -1;

        public override long Position => _position;

        public override bool IsColumnActive(DataViewSchema.Column column) =>
            base.IsColumnActive(column) && active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return base.GetGetter<TValue>(column);
        }

        public override bool MoveNext()
        {
            while (Input.MoveNext())
            {
                if (!contains(number())) continue;
                _position++;
                return true;
            }
            _position = -1;
            return false;
        }
    }
}
