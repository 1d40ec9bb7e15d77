using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Reads delimited text files lazily, one cursor at a time.</summary>
public sealed partial class TextLoader : IDataLoader<IMultiStreamSource>
{
    /// <summary>How many lines say how many columns a file has.</summary>
    private const int SampleLines = 100;

    private readonly IHost _host;
    private readonly Options _options;
    private readonly TextColumn[] _columns;
    private readonly DataViewSchema _schema;

    internal TextLoader(IHostEnvironment env, Options options, IMultiStreamSource dataSample)
    {
        _host = env.Register("TextLoader");
        _host.CheckValue(options, nameof(options));
        _host.CheckParam(options.Columns is { Length: > 0 }, nameof(Options.Columns),
            "Must specify some source columns");
        _host.CheckParam(options.Separators is { Length: > 0 }, nameof(Options.Separators),
            "Must specify a separator");
        if (options.AllowSparse)
            throw new NotSupportedException("Sparse text files are read by the real Microsoft.ML package only");
        _options = options;

        int inputSize = options.InputSize ?? 0;
        if (inputSize == 0 && options.Columns.Any(c => c.Source?.Any(r => r.AutoEnd && r.Max == null) == true))
            inputSize = SizeOf(dataSample);
        _columns = Array.ConvertAll(options.Columns, column => new TextColumn(_host, column, inputSize));
        var builder = new DataViewSchema.Builder();
        foreach (TextColumn column in _columns) builder.AddColumn(column.Name, column.Type);
        _schema = builder.ToSchema();
    }

    public DataViewSchema GetOutputSchema() => _schema;

    public IDataView Load(IMultiStreamSource source)
    {
        _host.CheckValue(source, nameof(source));
        return new View(this, source);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw new NotSupportedException("Text loaders are saved by the real Microsoft.ML package only");

    private int SizeOf(IMultiStreamSource sample)
    {
        int[] sizes = sample == null ? [] :
            [.. new LineReader(_options).Read(sample).Take(SampleLines).Select(row => row.Fields.Count).Distinct()];
        _host.CheckParam(sizes.Length > 0, nameof(Column.Source),
            "Can't determine the number of source columns without valid data");
        _host.CheckParam(sizes.Length == 1, nameof(Column.Source), "The size of input lines is not consistent");
        return sizes[0];
    }

    private sealed class View(TextLoader loader, IMultiStreamSource source) : IDataView
    {
        public bool CanShuffle => false;

        public DataViewSchema Schema => loader._schema;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
            new Cursor(loader, source, ActiveColumns.Flags(Schema, columnsNeeded));

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
            Random rand = null) => [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class Cursor : RootCursor
    {
        private readonly TextLoader _loader;
        private readonly FieldParsers _parsers;
        private readonly IEnumerator<(long Line, List<ReadOnlyMemory<char>> Fields)> _rows;

        internal Cursor(TextLoader loader, IMultiStreamSource source, bool[] active) : base(loader._schema, active)
        {
            _loader = loader;
            _parsers = new FieldParsers(loader._options);
            _rows = new LineReader(loader._options).Read(source).GetEnumerator();
        }

        protected override bool MoveNextCore() => _rows.MoveNext();

        protected override Delegate GetterOf(int column) =>
            _loader._columns[column].CreateGetter(_parsers, () => _rows.Current);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _rows.Dispose();
            base.Dispose(disposing);
        }
    }
}
