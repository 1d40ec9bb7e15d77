using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;

namespace ML.Pruning.Transforms;

/// <summary>Text files as data views.</summary>
internal static class TextDocuments
{
    public static IDataView Load(DataOperationsCatalog catalog, string path, string outputColumnName)
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Document));
        definition[nameof(Document.Text)].ColumnName = outputColumnName;
        return catalog.LoadFromEnumerable(
            TextCorpus.Read(path).Select(text => new Document { Text = text }), definition);
    }

    private sealed class Document
    {
        public string Text { get; set; } = "";
    }
}
