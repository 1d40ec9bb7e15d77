using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Transforms;

/// <summary>What every stage of this library must do: each present and future stage goes through
/// <see cref="Check"/>.</summary>
internal static class StageConformance
{
    /// <summary>Runs all checks.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="build">Builds the pipeline under test; its last stage is the one that is meant.</param>
    /// <param name="texts">Values of the input column <c>Text</c>.</param>
    public static void Check(MLContext ml, Func<IEstimator<ITransformer>> build, IReadOnlyList<string> texts)
    {
        IDataView data = Data(ml, texts);
        ITransformer fitted = build().Fit(data);
        IReadOnlyList<IReadOnlyDictionary<string, string>> expected = Rows(fitted.Transform(data));
        Assert.HasCount(texts.Count, expected);

        TransformIsLazy(fitted, data);
        SchemaAgrees(fitted, data);
        RowMapperAgrees(fitted, data, expected);
        PredictionEngineWorks(ml, fitted, texts);
        CursorSetsCoverAllRows(fitted, data, expected);
        SurvivesSaving(ml, fitted, data, texts, expected);
        WrongSchemaIsRefused(ml, build);
        CacheAndShuffleBefore(ml, build, data, expected);
        Refits(ml, build, data);
        (fitted as IDisposable)?.Dispose();
    }

    /// <summary>A data view with a text column and one that no stage touches.</summary>
    public static IDataView Data(MLContext ml, IEnumerable<string> texts) =>
        ml.Data.LoadFromEnumerable(texts.Select((text, i) => new Row { Text = text, Number = i }));

    /// <summary>The values of all visible columns, as text; a model shows as its content hash.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Rows(IDataView data) =>
        Rows(data.Schema, data.GetRowCursor(data.Schema));

    private static List<IReadOnlyDictionary<string, string>> Rows(DataViewSchema schema, DataViewRowCursor cursor)
    {
        using (cursor)
        {
            (string Name, Func<string> Read)[] readers =
                [.. schema.Where(c => !c.IsHidden).Select(c => (c.Name, Reader(cursor, c)))];
            var rows = new List<IReadOnlyDictionary<string, string>>();
            while (cursor.MoveNext()) rows.Add(readers.ToDictionary(r => r.Name, r => r.Read()));
            return rows;
        }
    }

    private static Func<string> Reader(DataViewRow row, DataViewSchema.Column column) =>
        (Func<string>)typeof(StageConformance)
            .GetMethod(nameof(TypedReader), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(column.Type.RawType).Invoke(null, [row, column])!;

    private static Func<string> TypedReader<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default!;
            getter(ref value);
            if (value is VBuffer<float> vector) return string.Join(' ', vector.DenseValues());
            return value is LanguageModel model
                ? model.ContentHash
                : Convert.ToString(value, CultureInfo.InvariantCulture)!;
        };
    }

    private static void TransformIsLazy(ITransformer fitted, IDataView data)
    {
        var counting = new CountingView(data);
        IDataView output = fitted.Transform(counting);
        using (output.GetRowCursor(output.Schema))
        {
            // Opening a cursor reads nothing either.
        }

        Assert.AreEqual(0, counting.RowsRead, "Transform, or opening a cursor, has read rows.");
    }

    private static void SchemaAgrees(ITransformer fitted, IDataView data)
    {
        DataViewSchema promised = fitted.GetOutputSchema(data.Schema);
        DataViewSchema got = fitted.Transform(data).Schema;
        CollectionAssert.AreEqual(promised.Select(c => $"{c.Name}:{c.Type}").ToArray(),
            got.Select(c => $"{c.Name}:{c.Type}").ToArray());
    }

    private static void RowMapperAgrees(
        ITransformer fitted, IDataView data, IReadOnlyList<IReadOnlyDictionary<string, string>> expected)
    {
        Assert.IsTrue(fitted.IsRowToRowMapper);
        IRowToRowMapper mapper = fitted.GetRowToRowMapper(data.Schema);
        Assert.AreSame(data.Schema, mapper.InputSchema);
        using DataViewRowCursor cursor = data.GetRowCursor(data.Schema);
        using DataViewRow row = mapper.GetRow(cursor, mapper.OutputSchema);
        (string Name, Func<string> Read)[] readers =
            [.. mapper.OutputSchema.Where(c => !c.IsHidden).Select(c => (c.Name, Reader(row, c)))];
        for (int i = 0; cursor.MoveNext(); i++)
        {
            foreach ((string name, Func<string> read) in readers)
                Assert.AreEqual(expected[i][name], read(), $"Row {i}, column {name}.");
        }
    }

    private static void PredictionEngineWorks(MLContext ml, ITransformer fitted, IReadOnlyList<string> texts)
    {
        using PredictionEngine<Row, Row> engine = ml.Model.CreatePredictionEngine<Row, Row>(
            fitted, new PredictionEngineOptions { OwnsTransformer = false });
        for (int i = 0; i < texts.Count; i++)
        {
            Row result = engine.Predict(new Row { Text = texts[i], Number = i });
            Assert.AreEqual(i, result.Number);
        }
    }

    private static void CursorSetsCoverAllRows(
        ITransformer fitted, IDataView data, IReadOnlyList<IReadOnlyDictionary<string, string>> expected)
    {
        IDataView output = fitted.Transform(data);
        IEnumerable<string> got = output.GetRowCursorSet(output.Schema, 4)
            .SelectMany(cursor => Rows(output.Schema, cursor)).Select(Flatten);
        CollectionAssert.AreEquivalent(expected.Select(Flatten).ToArray(), got.ToArray());
    }

    private static string Flatten(IReadOnlyDictionary<string, string> row) =>
        string.Join("|", row.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}={c.Value}"));

    private static void SurvivesSaving(MLContext ml, ITransformer fitted, IDataView data, IReadOnlyList<string> texts,
        IReadOnlyList<IReadOnlyDictionary<string, string>> expected)
    {
        string zip = Path.GetTempFileName();
        try
        {
            ml.Model.Save(fitted, data.Schema, zip);
            ITransformer loaded = new MLContext().Model.Load(zip, out _);
            Compare(expected, Rows(loaded.Transform(data)));
            (loaded as IDisposable)?.Dispose();

            IReadOnlyList<IReadOnlyDictionary<string, string>> fresh = FreshProcess.Transform(zip, texts);
            for (int i = 0; i < expected.Count; i++)
            {
                // A fresh process shows a model by its description, and has no column Number.
                foreach ((string name, string value) in fresh[i])
                {
                    if (expected[i].TryGetValue(name, out string? here) && !value.Contains("parameters"))
                        Assert.AreEqual(here, value, $"Row {i}, column {name}, in a fresh process.");
                }
            }
        }
        finally
        {
            File.Delete(zip);
        }
    }

    private static void Compare(IReadOnlyList<IReadOnlyDictionary<string, string>> expected,
        IReadOnlyList<IReadOnlyDictionary<string, string>> got) =>
        CollectionAssert.AreEqual(expected.Select(Flatten).ToArray(), got.Select(Flatten).ToArray());

    private static void WrongSchemaIsRefused(MLContext ml, Func<IEstimator<ITransformer>> build)
    {
        IDataView wrong = ml.Data.LoadFromEnumerable([new WrongRow { Text = 1, Model = 2 }]);
        var counting = new CountingView(wrong);
        IEstimator<ITransformer> start = ml.Transforms.CopyColumns("Copy", "Text");
        try
        {
            start.Append(build()).Append(ml.Transforms.ScoreLlm()).Fit(counting);
            Assert.Fail("A chain over a text column of the wrong type was fitted.");
        }
        catch (ArgumentOutOfRangeException e)
        {
            StringAssert.Contains(e.Message, "Text");
        }

        Assert.AreEqual(0, counting.RowsRead, "Rows were read before the schema was checked.");
    }

    private static void CacheAndShuffleBefore(MLContext ml, Func<IEstimator<ITransformer>> build, IDataView data,
        IReadOnlyList<IReadOnlyDictionary<string, string>> expected)
    {
        IEstimator<ITransformer> copy = ml.Transforms.CopyColumns("Copy", "Text");
        ITransformer cached = copy.AppendCacheCheckpoint(ml).Append(build()).Fit(data);
        foreach ((var row, int i) in Rows(cached.Transform(data)).Select((row, i) => (row, i)))
            foreach ((string name, string value) in expected[i]) Assert.AreEqual(value, row[name]);
        (cached as IDisposable)?.Dispose();

        ITransformer fitted = build().Fit(data);
        IDataView shuffled = ml.Data.ShuffleRows(data, seed: 3);
        CollectionAssert.AreEquivalent(
            expected.Select(Flatten).ToArray(), Rows(fitted.Transform(shuffled)).Select(Flatten).ToArray());
        (fitted as IDisposable)?.Dispose();
    }

    private static void Refits(MLContext ml, Func<IEstimator<ITransformer>> build, IDataView data)
    {
        IEstimator<ITransformer> estimator = build();
        foreach (DataOperationsCatalog.TrainTestData fold
            in ml.Data.CrossValidationSplit(data, numberOfFolds: 2, seed: 5))
        {
            ITransformer fitted = estimator.Fit(fold.TrainSet);
            IReadOnlyList<IReadOnlyDictionary<string, string>> test = Rows(fitted.Transform(fold.TestSet));
            IReadOnlyList<IReadOnlyDictionary<string, string>> train = Rows(fitted.Transform(fold.TrainSet));
            Assert.AreEqual((int)data.GetColumn<string>("Text").LongCount(), test.Count + train.Count);
            (fitted as IDisposable)?.Dispose();
        }
    }

    internal sealed class Row
    {
        public string Text { get; set; } = "";

        public int Number { get; set; }
    }

    private sealed class WrongRow
    {
        public float Text { get; set; }

        public float Model { get; set; }
    }
}
