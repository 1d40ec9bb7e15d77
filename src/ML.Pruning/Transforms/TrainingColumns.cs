using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>The columns that a stage trains on: texts, or prompts and their answers.</summary>
/// <param name="Text">Text column, one document a row; or the prompts, when there are answers.</param>
/// <param name="Response">Column of the answers; null = texts.</param>
internal sealed record TrainingColumns(string Text, string? Response)
{
    /// <summary>The columns.</summary>
    public IEnumerable<StageColumn> Columns =>
        Response is null ? [StageColumn.Text(Text)] : [StageColumn.Text(Text), StageColumn.Text(Response)];

    /// <summary>Reads the data, once.</summary>
    /// <param name="data">The data.</param>
    /// <param name="model">The model to train.</param>
    /// <param name="sequenceLength">Tokens of an example at most; null = the default.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <returns>The examples.</returns>
    public TrainingExamples Read(
        IDataView data, LanguageModel model, int? sequenceLength, CancellationToken cancellationToken) =>
        Response is null
            ? TrainingExamples.FromText(data.GetColumn<ReadOnlyMemory<char>>(Text).Select(text => text.ToString()),
                model, sequenceLength, cancellationToken)
            : TrainingExamples.FromPairs(Pairs(data, Text, Response), model, sequenceLength, cancellationToken);

    private static IEnumerable<InstructionPair> Pairs(IDataView data, string promptName, string responseName)
    {
        DataViewSchema.Column promptColumn = data.Schema[promptName], responseColumn = data.Schema[responseName];
        using DataViewRowCursor cursor = data.GetRowCursor([promptColumn, responseColumn]);
        ValueGetter<ReadOnlyMemory<char>> getPrompt = cursor.GetGetter<ReadOnlyMemory<char>>(promptColumn);
        ValueGetter<ReadOnlyMemory<char>> getResponse = cursor.GetGetter<ReadOnlyMemory<char>>(responseColumn);
        ReadOnlyMemory<char> prompt = default, response = default;
        while (cursor.MoveNext())
        {
            getPrompt(ref prompt);
            getResponse(ref response);
            yield return new InstructionPair(prompt.ToString(), response.ToString());
        }
    }
}
