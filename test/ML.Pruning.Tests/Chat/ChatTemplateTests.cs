using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Chat;
using ML.Pruning.Chat.Templates;

namespace ML.Pruning.Tests.Chat;

/// <summary>Chat templates. What they write was compared with Jinja 3.1 itself.</summary>
[TestClass]
public sealed class ChatTemplateTests
{
    public static IEnumerable<object[]> Families => FamilyTemplates.All;

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Render_FamilysTemplate_WritesItsPublishedFormat(
        string family, string template, string bos, string eos, bool system, string expected)
    {
        string prompt = ChatTemplate.Parse(template, bos, eos).Render(FamilyTemplates.Chat(system));
        Assert.AreEqual(expected, prompt, family);
    }

    // Left: a template; right: what Jinja writes for it (trim_blocks, lstrip_blocks).
    [TestMethod]
    [DataRow("a{% if true %}\nb{% endif %}\n\nc\n", "ab\nc")]
    [DataRow("  {% if true %}x{% endif %}  y", "x  y")]
    [DataRow("a  {%+ if true %}x{% endif +%}\ny", "a  x\ny")]
    [DataRow("a \n {{- 'b' -}} \n c", "abc")]
    [DataRow("a{# note #}\nb{#- gone -#}  c", "abc")]
    [DataRow("{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 - -1 }}", "7 3 -4 2 3.5 3")]
    [DataRow("{{ 'a' ~ 1 ~ none ~ true ~ 1.0 }}", "a1NoneTrue1.0")]
    [DataRow("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in 'bab' }} {{ 3 not in [1, 2] }}", "True False True True")]
    [DataRow("{{ not true or true and false }}", "False")]
    [DataRow("{{ 'yes' if 0 else 'no' }}{{ 'x' if false }}", "no")]
    [DataRow("{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ [1, 2, 3][-2:] }} {{ [1, 2, 3][:-1] }}", "bcd fedcba [2, 3] [1, 2]")]
    [DataRow("{{ {'a': 1, 'b': [true, none]} }} {{ ('x', \"it's\") | list }}", "{'a': 1, 'b': [True, None]} ['x', \"it's\"]")]
    [DataRow("{{ {'a': 'é\\n', 'b': [1, 2.5, {}]} | tojson }}", "{\"a\": \"é\\n\", \"b\": [1, 2.5, {}]}")]
    [DataRow("{{ {'a': [1]} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ]\n}")]
    [DataRow("{% for i in range(3) %}{{ loop.index }}{{ loop.revindex0 }}{{ ',' if not loop.last }}{% endfor %}", "12,21,30")]
    [DataRow("{% for i in [1, 2, 3, 4] if i is even %}{{ loop.index0 }}:{{ i }} {% endfor %}", "0:2 1:4 ")]
    [DataRow("{% for i in [] %}x{% else %}none{% endfor %}", "none")]
    [DataRow("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02")]
    [DataRow("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2")]
    [DataRow("{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1")]
    [DataRow("{% set n = namespace(x=1) %}{% for i in [1] %}{% set n.x = 2 %}{% endfor %}{{ n.x }}", "2")]
    [DataRow("{% if true %}{% set x = 5 %}{% endif %}{{ x }}", "5")]
    [DataRow("{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set t %}in {{ a }}{% endset %}{{ t | upper }}", "21IN 1")]
    [DataRow("{{ nothing }}{{ nothing | default('d') }}{{ '' | default('e', true) }}{{ nothing is defined }}", "deFalse")]
    [DataRow("{{ ' a b '.split() }} {{ 'a,b'.split(',') | join('-') }} {{ ' x '.rstrip() }}|", "['a', 'b'] a-b  x|")]
    [DataRow("{{ [{'r': 'u', 'n': 1}, {'r': 'a', 'n': 2}] | selectattr('r', 'equalto', 'u') | map(attribute='n') | list }}", "[1]")]
    [DataRow("{{ 'hello world' | title }} {{ 'ABC' | lower | capitalize }} {{ [3, 1] | first }}{{ 'ab' | length }}", "Hello World Abc 32")]
    [DataRow("{{ 'x' 'y' }} {{ 'q\\'s' }} {{ \"\\u00e9\" }} {{ 5 is divisibleby 5 }} {{ 'a' is string and 1 is number }}", "xy q's é True True")]
    [DataRow("{{ 'a' | replace('a', 'b') | indent(2, true) }}", "  b")]
    [DataRow("{% generation %}kept{% endgeneration %}", "kept")]
    [DataRow("{{ strftime_now('%d %b %Y') }}", "09 Mar 2026")]
    public void Render_Construct_WritesWhatJinjaDoes(string template, string expected) => Assert.AreEqual(
        expected, ChatTemplate.Parse(template).Render([], now: new DateTime(2026, 3, 9, 0, 0, 0, DateTimeKind.Local)));

    [TestMethod]
    [DataRow("a\n{% macro m() %}{% endmacro %}", "line 2", "'macro'")]
    [DataRow("{% include 'other' %}", "line 1", "'include'")]
    [DataRow("{{ 'a' | wordwrap }}", "line 1", "'wordwrap'")]
    [DataRow("{{ 1 is prime }}", "line 1", "'prime'")]
    [DataRow("{{ lipsum() }}", "line 1", "'lipsum'")]
    [DataRow("{{ [].append(1) }}", "line 1", "'append'")]
    [DataRow("{{ ''.__class__.__mro__ }}", "line 1", "'__mro__'")]
    [DataRow("{{ 2 ** 99999 }}", "line 1", "'**'")]
    [DataRow("{{ 'a' * 999999999 }}", "line 1", "'*'")]
    [DataRow("{% for i in range(10) %}{% endif %}", "line 1", "'endif'")]
    [DataRow("{% if true %}", "line 1", "'endif'")]
    [DataRow("{{ 'open", "line 1", "no end")]
    [DataRow("{{ 1 $ 2 }}", "line 1", "'$'")]
    [DataRow("{% break %}", "line 1", "'break'")]
    [DataRow("{{ none.x }}", "line 1", "none")]
    [DataRow("{{ 1 // 0 }}", "line 1", "dividing by 0")]
    public void Template_Unsupported_IsRefusedByName(string template, params string[] mentioned)
    {
        var e = Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([]));
        foreach (string text in mentioned) StringAssert.Contains(e.Message, text);
    }

    [TestMethod]
    public void Render_RaiseException_TellsTheTemplatesWords()
    {
        var e = Assert.ThrowsExactly<ChatTemplateException>(
            () => ChatTemplate.Parse(FamilyTemplates.Gemma2).Render(FamilyTemplates.Chat(system: true)));
        StringAssert.Contains(e.Message, "There is no system role");
    }

    [TestMethod]
    [DataRow("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")]
    [DataRow("{% set n = namespace(t='aaaaaaaa') %}{% for a in range(60) %}{% set n.t = n.t + n.t %}{% endfor %}")]
    [DataRow("{% set n = namespace(t=[]) %}{% for a in range(90000) %}{% set n.t = [n.t] %}{% endfor %}{{ n.t }}")]
    public void Render_EndlessWork_Stops(string template) =>
        Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([]));

    [TestMethod]
    [DataRow("(", ")")]
    [DataRow("-", "")]
    [DataRow("not ", "")]
    [DataRow("1+", "")]
    public void Parse_DeepNesting_IsRefused(string open, string close)
    {
        string template = "{{ " + string.Concat(Enumerable.Repeat(open, 100_000)) + "1"
            + string.Concat(Enumerable.Repeat(close, 100_000)) + " }}";
        Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([]));
    }

    [TestMethod]
    public void Read_TokenizerConfig_TakesTemplateAndTokens()
    {
        byte[] config = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["bos_token"] = new JsonObject { ["content"] = "<b>" },
            ["eos_token"] = "<e>",
            ["chat_template"] = new JsonArray(
                new JsonObject { ["name"] = "tool_use", ["template"] = "no" },
                new JsonObject { ["name"] = "default",
                    ["template"] = "{{ bos_token }}{{ messages | length }}{{ eos_token }}" }),
        }.ToJsonString());
        Assert.AreEqual("<b>3<e>", ChatTemplate.Read(config)!.Render(FamilyTemplates.Chat(system: false)));
        Assert.AreEqual("file", ChatTemplate.Read(config, "file"u8)!.Render([]));
        Assert.IsNull(ChatTemplate.Read("{}"u8));
        Assert.IsNull(ChatTemplate.Read([]));
        Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Read("{"u8));
    }
}
