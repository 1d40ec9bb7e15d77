using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>The columns that a stage trains on: texts, prompts and their answers, or texts and their labels.</summary>
/// <param name="Text">Text column, one document a row; or the prompts, when there are answers.</param>
/// <param name="Response">Column of the answers; null = texts.</param>
/// <param name="Label">Column of the labels; null = there are none.</param>
internal sealed record TrainingColumns(string Text, string? Response, string? Label)
{
    /// <summary>The columns.</summary>
    public IEnumerable<StageColumn> Columns =>
        (Second is null ? (IEnumerable<string>)[Text] : [Text, Second]).Select(StageColumn.Text);

    private string? Second => Response is null || Label is null ? Response ?? Label : throw new ArgumentException(
        $"There are a column of answers, '{Response}', and one of labels, '{Label}'; give one of them.");

    /// <summary>Reads the data, once.</summary>
    /// <param name="data">The data.</param>
    /// <param name="model">The model to train.</param>
    /// <param name="sequenceLength">Tokens of an example at most; null = the default.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <returns>The examples.</returns>
    public TrainingExamples Read(
        IDataView data, LanguageModel model, int? sequenceLength, CancellationToken cancellationToken)
    {
        if (Second is null)
        {
            return TrainingExamples.FromText(data.GetColumn<ReadOnlyMemory<char>>(Text).Select(text => text.ToString()),
                model, sequenceLength, cancellationToken);
        }

        IEnumerable<(string First, string Second)> rows = Rows(data, Text, Second);
        return Label is null
            ? TrainingExamples.FromPairs(
                rows.Select(row => new InstructionPair(row.First, row.Second)), model, sequenceLength,
                cancellationToken)
            : TrainingExamples.FromLabels(
                rows.Select(row => new LabeledText(row.First, row.Second)), model, sequenceLength, cancellationToken);
    }

    private static IEnumerable<(string First, string Second)> Rows(IDataView data, string firstName, string secondName)
    {
        DataViewSchema.Column firstColumn = data.Schema[firstName], secondColumn = data.Schema[secondName];
        using DataViewRowCursor cursor = data.GetRowCursor([firstColumn, secondColumn]);
        ValueGetter<ReadOnlyMemory<char>> getFirst = cursor.GetGetter<ReadOnlyMemory<char>>(firstColumn);
        ValueGetter<ReadOnlyMemory<char>> getSecond = cursor.GetGetter<ReadOnlyMemory<char>>(secondColumn);
        ReadOnlyMemory<char> first = default, second = default;
        while (cursor.MoveNext())
        {
            getFirst(ref first);
            getSecond(ref second);
            yield return (first.ToString(), second.ToString());
        }
    }
}
