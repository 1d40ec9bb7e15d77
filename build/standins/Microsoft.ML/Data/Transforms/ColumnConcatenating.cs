using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnConcatenatingTransformer), null, typeof(SignatureLoadModel),
    "Concat Transform", ColumnConcatenatingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms
{
    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly IHost _host;
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingEstimator(IHostEnvironment env, string outputColumnName,
            params string[] inputColumnNames)
        {
            _host = env.Register("ColumnConcatenatingEstimator ");
            Check.NonEmpty(outputColumnName, nameof(outputColumnName));
            ArgumentNullException.ThrowIfNull(inputColumnNames);
            Check.Param(!inputColumnNames.Contains(null), nameof(inputColumnNames), "Contained some null items");
            _output = outputColumnName;
            _inputs = inputColumnNames;
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            var transformer = new ColumnConcatenatingTransformer(_host, _output, _inputs);
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
            var kind = SchemaShape.Column.VectorKind.Vector;
            DataViewType itemType = null;
            foreach (string input in _inputs)
            {
                if (!inputSchema.TryFindColumn(input, out SchemaShape.Column source))
                    throw Contracts.ExceptSchemaMismatch(null, nameof(inputSchema), "input", input);
                itemType ??= source.ItemType;
                if (source.IsKey)
                    throw _host.Except($"Column '{input}' is key. Concatenation of keys is unsupported.");
                if (!itemType.Equals(source.ItemType))
                {
                    throw _host.Except($"Concatenated columns should have the same type. Column '{input}' has type of "
                        + $"{source.ItemType}, but expected column type is {itemType}.");
                }
                if (source.Kind == SchemaShape.Column.VectorKind.VariableVector) kind = source.Kind;
            }
            columns[_output] = new SchemaShape.Column(_output, kind, itemType, false);
            return new SchemaShape(columns.Values);
        }
    }
}

namespace Microsoft.ML.Data
{
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
    {
        internal const string LoaderSignature = "ConcatTransform";
        private const string OldLoaderSignature = "ConcatFunction";

        private readonly (string Output, string[] Inputs)[] _columns;

        internal ColumnConcatenatingTransformer(IHostEnvironment env, string outputColumnName,
            params string[] inputColumnNames) : base(env.Register(nameof(ColumnConcatenatingTransformer)))
        {
            Check.NonEmpty(outputColumnName, nameof(outputColumnName));
            Check.Param(inputColumnNames is { Length: > 0 }, nameof(inputColumnNames), "Can not be empty");
            _columns = [(outputColumnName, inputColumnNames)];
        }

        private ColumnConcatenatingTransformer(IHostEnvironment env, ModelLoadContext ctx)
            : base(env.Register(nameof(ColumnConcatenatingTransformer)))
        {
            ctx.CheckAtModel(GetVersionInfo());
            // int count; each: output name, int count, then name and alias (may be null) of each input.
            _columns = new (string, string[])[ctx.Reader.ReadInt32()];
            for (int i = 0; i < _columns.Length; i++)
            {
                string output = ctx.LoadNonEmptyString();
                var inputs = new string[ctx.Reader.ReadInt32()];
                for (int j = 0; j < inputs.Length; j++)
                {
                    inputs[j] = ctx.LoadNonEmptyString();
                    ctx.LoadStringOrNull();
                }
                _columns[i] = (output, inputs);
            }
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(GetVersionInfo());
            ctx.Writer.Write(_columns.Length);
            foreach ((string output, string[] inputs) in _columns)
            {
                ctx.SaveNonEmptyString(output);
                ctx.Writer.Write(inputs.Length);
                foreach (string input in inputs)
                {
                    ctx.SaveNonEmptyString(input);
                    ctx.SaveStringOrNull(null);
                }
            }
        }

        private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private static VersionInfo GetVersionInfo() => new(
            modelSignature: "CONCAT F",
            verWrittenCur: 0x00010003,
            verReadableCur: 0x00010003,
            verWeCanReadBack: 0x00010003,
            loaderAssemblyName: typeof(ColumnConcatenatingTransformer).Assembly.FullName,
            loaderSignature: LoaderSignature,
            loaderSignatureAlt: OldLoaderSignature);

        private sealed class Mapper : IRowMapper
        {
            private readonly (string Output, VectorDataViewType Type, DataViewSchema.Column[] Inputs)[] _columns;

            internal Mapper(ColumnConcatenatingTransformer parent, DataViewSchema schema)
            {
                _columns = Array.ConvertAll(parent._columns, c => Resolve(schema, c.Output, c.Inputs));
            }

            public DataViewSchema.DetachedColumn[] GetOutputColumns() =>
                Array.ConvertAll(_columns, c => new DataViewSchema.DetachedColumn(c.Output, c.Type));

            public IEnumerable<DataViewSchema.Column> GetDependencies(Func<int, bool> activeOutput) =>
                _columns.Where((_, i) => activeOutput(i)).SelectMany(c => c.Inputs);

            public Delegate CreateGetter(DataViewRow input, int output, Func<int, bool> activeOutput) =>
                (Delegate)Generic.Call(typeof(Mapper), nameof(Concatenate),
                    [_columns[output].Type.ItemType.RawType], input, _columns[output].Inputs);

            private static (string, VectorDataViewType, DataViewSchema.Column[]) Resolve(DataViewSchema schema,
                string output, string[] names)
            {
                DataViewSchema.Column[] inputs = Array.ConvertAll(names, name => schema.GetColumnOrNull(name)
                    ?? throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", name));
                PrimitiveDataViewType itemType = null;
                int size = 0;
                bool isVariable = false;
                foreach (DataViewSchema.Column input in inputs)
                {
                    var vector = input.Type as VectorDataViewType;
                    PrimitiveDataViewType item = vector?.ItemType ?? input.Type as PrimitiveDataViewType;
                    itemType ??= item;
                    if (item == null || !item.Equals(itemType))
                        throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", input.Name, $"{itemType}",
                            input.Type.ToString());
                    isVariable |= vector is { IsKnownSize: false };
                    size += vector?.Size ?? 1;
                }
                return (output, new VectorDataViewType(itemType, isVariable ? 0 : size), inputs);
            }

            private static ValueGetter<VBuffer<T>> Concatenate<T>(DataViewRow row, DataViewSchema.Column[] inputs)
            {
                ValueGetter<VBuffer<T>>[] parts = Array.ConvertAll(inputs, input => AsVector<T>(row, input));
                var buffers = new VBuffer<T>[parts.Length];
                return (ref VBuffer<T> value) =>
                {
                    int length = 0;
                    for (int i = 0; i < parts.Length; i++)
                    {
                        parts[i](ref buffers[i]);
                        length += buffers[i].Length;
                    }
                    VBufferEditor<T> editor = VBufferEditor.Create(ref value, length);
                    int offset = 0;
                    foreach (VBuffer<T> buffer in buffers)
                    {
                        buffer.CopyTo(editor.Values, offset);
                        offset += buffer.Length;
                    }
                    value = editor.Commit();
                };
            }

            private static ValueGetter<VBuffer<T>> AsVector<T>(DataViewRow row, DataViewSchema.Column input)
            {
                if (input.Type is VectorDataViewType) return row.GetGetter<VBuffer<T>>(input);
                ValueGetter<T> scalar = row.GetGetter<T>(input);
                return (ref VBuffer<T> value) =>
                {
                    VBufferEditor<T> editor = VBufferEditor.Create(ref value, 1);
                    scalar(ref editor.Values[0]);
                    value = editor.Commit();
                };
            }
        }
    }
}
