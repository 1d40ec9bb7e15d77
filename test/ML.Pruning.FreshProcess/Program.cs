using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;

// Usage: FreshProcess MODEL.zip [MODULES], with one text a line on stdin as a JSON array.
// Loads the model with plain ML.NET and prints every visible scalar column of the texts' rows as JSON, one array a row.
// Then writes the names of all managed and native libraries in the process to the file MODULES, one a line.
string[] texts = [.. JsonNode.Parse(Console.In.ReadToEnd())!.AsArray().Select(text => text!.GetValue<string>())];
var ml = new MLContext();
ITransformer model = ml.Model.Load(args[0], out _);
IDataView output = model.Transform(ml.Data.LoadFromEnumerable(texts.Select(text => new Row { Text = text })));
var rows = new JsonArray();
using (DataViewRowCursor cursor = output.GetRowCursor(output.Schema))
{
    (string Name, Func<JsonNode?> Read)[] readers =
        [.. output.Schema.Where(column => !column.IsHidden).Select(column => (column.Name, Reader(cursor, column)))];
    while (cursor.MoveNext())
        rows.Add(new JsonObject(readers.Select(r => KeyValuePair.Create(r.Name, r.Read()))));
}

Console.Out.WriteLine(rows.ToJsonString());
if (args.Length > 1)
{
    using var process = Process.GetCurrentProcess();
    File.WriteAllLines(args[1], AppDomain.CurrentDomain.GetAssemblies().Select(a => a.GetName().Name!)
        .Concat(process.Modules.Cast<ProcessModule>().Select(module => module.ModuleName)));
}

return 0;

static Func<JsonNode?> Reader(DataViewRowCursor cursor, DataViewSchema.Column column) =>
    (Func<JsonNode?>)typeof(Program).GetMethod(nameof(TypedReader), BindingFlags.Static | BindingFlags.NonPublic)!
        .MakeGenericMethod(column.Type.RawType).Invoke(null, [cursor, column])!;

internal partial class Program
{
    private static Func<JsonNode?> TypedReader<T>(DataViewRowCursor cursor, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = cursor.GetGetter<T>(column);
        return () =>
        {
            T value = default!;
            getter(ref value);
            if (value is VBuffer<float> vector) return JsonValue.Create(string.Join(' ', vector.DenseValues()));
            return JsonValue.Create(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        };
    }
}

internal sealed class Row
{
    public string Text { get; set; } = "";
}
