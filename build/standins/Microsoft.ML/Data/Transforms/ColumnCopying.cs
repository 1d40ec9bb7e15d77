using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass("Copy a source column to a new column.", typeof(ColumnCopyingTransformer), null,
    typeof(SignatureLoadModel), "Copy Columns Transform", ColumnCopyingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    internal ColumnCopyingEstimator(IHostEnvironment env, string outputColumnName, string inputColumnName)
        : base(env.Register(nameof(ColumnCopyingEstimator)),
            new ColumnCopyingTransformer(env, (outputColumnName, inputColumnName)))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach ((string output, string input) in Transformer.Columns)
        {
            if (!inputSchema.TryFindColumn(input, out SchemaShape.Column source))
                throw Contracts.ExceptSchemaMismatch(null, nameof(inputSchema), "input", input);
            columns[output] = new SchemaShape.Column(output, source.Kind, source.ItemType, source.IsKey,
                source.Annotations);
        }
        return new SchemaShape(columns.Values);
    }
}

public sealed class ColumnCopyingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "CopyTransform";

    internal ColumnCopyingTransformer(IHostEnvironment env,
        params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(ColumnCopyingTransformer)), columns)
    {
    }

    private ColumnCopyingTransformer(IHostEnvironment env, ModelLoadContext ctx)
        : base(env.Register(nameof(ColumnCopyingTransformer)), AtModel(ctx))
    {
    }

    internal IReadOnlyCollection<(string outputColumnName, string inputColumnName)> Columns => ColumnPairs;

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        SaveColumns(ctx);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static ModelLoadContext AtModel(ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return ctx;
    }

    private static VersionInfo GetVersionInfo() => new(
        modelSignature: "COPYCOLT",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderAssemblyName: typeof(ColumnCopyingTransformer).Assembly.FullName,
        loaderSignature: LoaderSignature);

    private sealed class Mapper : IRowMapper
    {
        private readonly (string Output, DataViewSchema.Column Input)[] _pairs;

        internal Mapper(ColumnCopyingTransformer parent, DataViewSchema schema)
        {
            _pairs = [.. parent.ColumnPairs.Select((p, i) => (p.outputColumnName, parent.FindInput(schema, i)))];
        }

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => Array.ConvertAll(_pairs,
            p => new DataViewSchema.DetachedColumn(p.Output, p.Input.Type, p.Input.Annotations));

        public IEnumerable<DataViewSchema.Column> GetDependencies(Func<int, bool> activeOutput) =>
            _pairs.Where((_, i) => activeOutput(i)).Select(p => p.Input);

        public Delegate CreateGetter(DataViewRow input, int output, Func<int, bool> activeOutput) =>
            Getters.Of(input, _pairs[output].Input);
    }
}
