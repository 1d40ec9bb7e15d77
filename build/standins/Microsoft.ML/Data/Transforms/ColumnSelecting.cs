using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass("Selects which columns from the dataset to keep.", typeof(ColumnSelectingTransformer), null,
    typeof(SignatureLoadModel), "Select Columns Transform", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(IHostEnvironment env, string[] keepColumns, string[] dropColumns,
        bool keepHidden = false)
        : base(env.Register(nameof(ColumnSelectingEstimator)),
            new ColumnSelectingTransformer(env, keepColumns, dropColumns, keepHidden))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Transformer.CheckColumns(inputSchema.Select(column => column.Name));
        return new SchemaShape(inputSchema.Where(column => Transformer.Keeps(column.Name)));
    }
}

public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";

    private readonly string[] _columns;
    private readonly bool _keepColumns;
    private readonly bool _keepHidden;
    private readonly bool _ignoreMissing;

    internal ColumnSelectingTransformer(IHostEnvironment env, string[] keepColumns, string[] dropColumns,
        bool keepHidden, bool ignoreMissing = false)
    {
        env.Register(nameof(ColumnSelectingTransformer));
        _keepColumns = keepColumns is { Length: > 0 };
        bool drops = dropColumns is { Length: > 0 };
        if (_keepColumns && drops)
            throw new InvalidOperationException(
                "Both keepColumns and dropColumns are set, only one can be specified.");
        if (!_keepColumns && !drops)
            throw new InvalidOperationException("Neither keepColumns or dropColumns is set, one must be specified.");
        _columns = _keepColumns ? keepColumns : dropColumns;
        _keepHidden = keepHidden;
        _ignoreMissing = ignoreMissing;
    }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Select(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new SelectedDataView(input, Select(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Select(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        ctx.Writer.Write(_keepColumns);
        ctx.Writer.Write(_keepHidden);
        ctx.Writer.Write(_ignoreMissing);
        ctx.Writer.Write(_columns.Length);
        foreach (string column in _columns) ctx.SaveNonEmptyString(column);
    }

    internal bool Keeps(string column) => _columns.Contains(column) == _keepColumns;

    internal void CheckColumns(IEnumerable<string> names)
    {
        string[] missing = [.. _columns.Except(names)];
        if (!_ignoreMissing && missing.Length > 0)
            throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", string.Join(",", missing));
    }

    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        bool keeps = ctx.Reader.ReadBoolean();
        bool keepHidden = ctx.Reader.ReadBoolean();
        bool ignoreMissing = ctx.Reader.ReadBoolean();
        var columns = new string[ctx.Reader.ReadInt32()];
        for (int i = 0; i < columns.Length; i++) columns[i] = ctx.LoadNonEmptyString();
        return new ColumnSelectingTransformer(env, keeps ? columns : null, keeps ? null : columns, keepHidden,
            ignoreMissing);
    }

    private static VersionInfo GetVersionInfo() => new(
        modelSignature: "SELCOLST",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderAssemblyName: typeof(ColumnSelectingTransformer).Assembly.FullName,
        loaderSignature: LoaderSignature);

    /// <summary>Kept columns come in the order asked for; dropping leaves order and hidden columns alone.</summary>
    private ColumnSelection Select(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        CheckColumns(schema.Select(column => column.Name));
        IEnumerable<DataViewSchema.Column> kept = _keepColumns
            ? _columns.SelectMany(name => schema.Where(c => c.Name == name && (_keepHidden || !c.IsHidden)))
            : schema.Where(column => Keeps(column.Name));
        return new ColumnSelection(schema, [.. kept.Select(column => column.Index)]);
    }
}
