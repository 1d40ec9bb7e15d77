using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A complete Hugging Face folder with a tiny random LLaMA and a byte tokenizer, made in a temporary
/// place.</summary>
internal sealed class TinyModel : IDisposable
{
    public TinyModel(ModelSpec? spec = null, int seed = 1)
    {
        Folder = Path.Combine(Directory.CreateTempSubdirectory("ml-pruning-tests-").FullName, "model");
        spec ??= Spec;
        using LanguageModel random = RandomModel.Create(spec, seed);
        JsonObject config = Config(spec);
        FamilyRegistry.Get(spec.Family).WriteConfig(spec, config);
        using var model = new LanguageModel(random.ToContent() with
        {
            ConfigJson = config.ToJsonString(),
            SideFiles = new Dictionary<string, byte[]> { ["tokenizer.json"] = Encoding.UTF8.GetBytes(ByteTokenizer()) },
        });
        HuggingFaceModel.Save(model, Folder);
    }

    /// <summary>Two layers, grouped-query attention, hidden size 16, context 64, one token a byte.</summary>
    public static ModelSpec Spec { get; } = RandomModel.Llama with { VocabularySize = 260 };

    public string Folder { get; }

    public static readonly string[] Texts =
    [
        "The quick brown fox jumps over the lazy dog.", "", "Pack my box with five dozen liquor jugs.", "a",
        "A text that is longer than the context of sixty-four tokens, so that its end has to be cut off.",
        "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.",
    ];

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(Folder)!, recursive: true);

    /// <summary>A tokenizer.json without merges: each byte is a token.</summary>
    public static string ByteTokenizer()
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0, ["<s>"] = 1, ["</s>"] = 2 };
        for (int b = 0; b < 256; b++) vocabulary[$"<0x{b:X2}>"] = b + 3;
        JsonNode Special(int id, string content) => new JsonObject
        {
            ["id"] = id,
            ["content"] = content,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        };
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(Special(0, "<unk>"), Special(1, "<s>"), Special(2, "</s>")),
            ["normalizer"] = null,
            ["pre_tokenizer"] = null,
            ["post_processor"] = null,
            ["decoder"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["decoders"] = new JsonArray(
                    new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" }),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        }.ToJsonString();
    }

    private static JsonObject Config(ModelSpec spec) => new()
    {
        ["model_type"] = spec.Family,
        ["max_position_embeddings"] = spec.ContextLength,
        ["rms_norm_eps"] = spec.NormEpsilon,
        ["bos_token_id"] = 1,
        ["eos_token_id"] = 2,
    };
}
