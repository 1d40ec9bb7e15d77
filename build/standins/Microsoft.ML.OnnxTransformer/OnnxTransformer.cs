using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;

[assembly: LoadableClass(typeof(OnnxTransformer), null, typeof(SignatureLoadModel), "ONNX Scoring Transform",
    OnnxTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Onnx;

public sealed class OnnxTransformer : RowToRowTransformerBase, IDisposable
{
    internal const string LoaderSignature = "OnnxTransform";
    private const string ModelStream = "OnnxModel";
    private const int RecursionLimit = 100;
    private readonly byte[] _model;
    private readonly InferenceSession _session;
    private readonly IDictionary<string, int[]> _shapes;

    // A path finds the files of constants beside the model; bytes alone cannot.
    internal OnnxTransformer(IHostEnvironment env, string[] outputs, string[] inputs, byte[] model, string path,
        IDictionary<string, int[]> shapes) : base(env.Register(nameof(OnnxTransformer)))
    {
        _model = model;
        _shapes = shapes ?? new Dictionary<string, int[]>();
        _session = path == null ? new InferenceSession(model) : new InferenceSession(path);
        Inputs = Array.ConvertAll(inputs, name => (name, ItemType(Find(_session.InputMetadata, name, "input"))));
        Outputs = Array.ConvertAll(outputs, name =>
        {
            NodeMetadata node = Find(_session.OutputMetadata, name, "output");
            int[] shape = _shapes.TryGetValue(name, out int[] given) ? given : node.Dimensions;
            return (name, new VectorDataViewType(ItemType(node), Array.ConvertAll(shape, size => Math.Max(size, 0))));
        });
    }

    internal (string Name, PrimitiveDataViewType ItemType)[] Inputs { get; }

    internal (string Name, VectorDataViewType Type)[] Outputs { get; }

    public void Dispose() => _session.Dispose();

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        ctx.SaveBinaryStream(ModelStream, writer =>
        {
            writer.Write(_model.Length);
            writer.Write(_model);
        });
        SaveNames(ctx, Array.ConvertAll(Inputs, input => input.Name));
        SaveNames(ctx, Array.ConvertAll(Outputs, output => output.Name));
        ctx.Writer.Write(_shapes.Count);
        foreach ((string name, int[] shape) in _shapes)
        {
            ctx.SaveNonEmptyString(name);
            ctx.Writer.Write(shape.Length);
            foreach (int size in shape) ctx.Writer.Write(size);
        }
        ctx.Writer.Write(RecursionLimit);
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private static OnnxTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        byte[] model = null;
        ctx.TryLoadBinaryStream(ModelStream, reader => model = reader.ReadBytes(reader.ReadInt32()));
        string[] inputs = LoadNames(ctx), outputs = LoadNames(ctx);
        var shapes = new Dictionary<string, int[]>();
        for (int count = ctx.Reader.ReadInt32(); count > 0; count--)
        {
            string name = ctx.LoadNonEmptyString();
            shapes[name] = new int[ctx.Reader.ReadInt32()];
            for (int i = 0; i < shapes[name].Length; i++) shapes[name][i] = ctx.Reader.ReadInt32();
        }
        ctx.Reader.ReadInt32();
        return new OnnxTransformer(env, outputs, inputs, model, null, shapes);
    }

    private static void SaveNames(ModelSaveContext ctx, string[] names)
    {
        ctx.Writer.Write(names.Length);
        foreach (string name in names) ctx.SaveNonEmptyString(name);
    }

    private static string[] LoadNames(ModelLoadContext ctx)
    {
        var names = new string[ctx.Reader.ReadInt32()];
        for (int i = 0; i < names.Length; i++) names[i] = ctx.LoadNonEmptyString();
        return names;
    }

    private static NodeMetadata Find(IReadOnlyDictionary<string, NodeMetadata> nodes, string name, string what) =>
        nodes.TryGetValue(name, out NodeMetadata node)
            ? node
            : throw new InvalidOperationException($"Column {name} doesn't match {what} node names of model");

    private static PrimitiveDataViewType ItemType(NodeMetadata node) => Type.GetTypeCode(node.ElementType) switch
    {
        TypeCode.Single => NumberDataViewType.Single,
        TypeCode.Int64 => NumberDataViewType.Int64,
        _ => throw new NotSupportedException($"{node.ElementType} is not supported by this stand-in"),
    };

    private static VersionInfo GetVersionInfo() => new(
        modelSignature: "ONNXSCOR",
        verWrittenCur: 0x00010003,
        verReadableCur: 0x00010003,
        verWeCanReadBack: 0x00010001,
        loaderAssemblyName: typeof(OnnxTransformer).Assembly.FullName,
        loaderSignature: LoaderSignature);

    private sealed class Mapper : IRowMapper
    {
        private readonly OnnxTransformer _parent;
        private readonly DataViewSchema.Column[] _inputs;

        internal Mapper(OnnxTransformer parent, DataViewSchema schema)
        {
            _parent = parent;
            _inputs = Array.ConvertAll(parent.Inputs, input => schema.GetColumnOrNull(input.Name)
                ?? throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", input.Name));
            for (int i = 0; i < _inputs.Length; i++)
            {
                if (_inputs[i].Type is not VectorDataViewType { IsKnownSize: true } type)
                    throw new InvalidOperationException("Variable length input columns not supported");
                if (!type.ItemType.Equals(parent.Inputs[i].ItemType))
                    throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", _inputs[i].Name,
                        parent.Inputs[i].ItemType.ToString(), type.ToString());
            }
        }

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => Array.ConvertAll(
            _parent.Outputs, output => new DataViewSchema.DetachedColumn(output.Name, output.Type));

        public IEnumerable<DataViewSchema.Column> GetDependencies(Func<int, bool> activeOutput) =>
            Enumerable.Range(0, _parent.Outputs.Length).Any(activeOutput) ? _inputs : [];

        public Delegate CreateGetter(DataViewRow input, int output, Func<int, bool> activeOutput) =>
            (Delegate)Generic.Call(typeof(Mapper), nameof(Getter), [_parent.Outputs[output].Type.ItemType.RawType],
                _parent, input, Array.ConvertAll(_inputs, column => Value(input, column)), output);

        private static ValueGetter<VBuffer<T>> Getter<T>(
            OnnxTransformer parent, DataViewRow row, Func<OrtValue>[] inputs, int output)
            where T : unmanaged => (ref VBuffer<T> value) =>
        {
            OrtValue[] values = Array.ConvertAll(inputs, input => input());
            try
            {
                using var options = new RunOptions();
                using IDisposableReadOnlyCollection<OrtValue> results = parent._session.Run(options,
                    Array.ConvertAll(parent.Inputs, i => i.Name), values, [parent.Outputs[output].Name]);
                ReadOnlySpan<T> result = results[0].GetTensorDataAsSpan<T>();
                VBufferEditor<T> editor = VBufferEditor.Create(ref value, result.Length);
                result.CopyTo(editor.Values);
                value = editor.Commit();
            }
            finally
            {
                foreach (OrtValue v in values) v.Dispose();
            }
        };

        private Func<OrtValue> Value(DataViewRow row, DataViewSchema.Column column) =>
            (Func<OrtValue>)Generic.Call(typeof(Mapper), nameof(Tensor),
                [((VectorDataViewType)column.Type).ItemType.RawType], row, column, Shape(column.Name));

        // A dimension that neither the model nor the caller fixes is 1.
        private long[] Shape(string name) => Array.ConvertAll(
            _parent._shapes.TryGetValue(name, out int[] given) ? given : _parent._session.InputMetadata[name].Dimensions,
            size => (long)Math.Max(size, 1));

        private static Func<OrtValue> Tensor<T>(DataViewRow row, DataViewSchema.Column column, long[] shape)
            where T : unmanaged
        {
            ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
            VBuffer<T> buffer = default;
            return () =>
            {
                getter(ref buffer);
                return OrtValue.CreateTensorValueFromMemory(buffer.DenseValues().ToArray(), shape);
            };
        }
    }
}
