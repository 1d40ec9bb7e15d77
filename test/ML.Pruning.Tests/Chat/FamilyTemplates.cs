using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Chat;

/// <summary>Chat templates that write the published prompt formats of model families, and the prompts that those
/// formats ask for. Written for these tests, with the constructs that the families' own templates use.</summary>
internal static class FamilyTemplates
{
    /// <summary>A chat of three messages, and one with a system message before them.</summary>
    public static JsonArray Chat(bool system) =>
    [
        .. system ? new JsonNode?[] { Message("system", "Be brief.") } : [],
        Message("user", "Hi there "), Message("assistant", "Hello!"), Message("user", "What is 2 + 2?"),
    ];

    public static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    public const string Llama2 = """
        {% if messages[0]['role'] == 'system' %}
            {% set rest = messages[1:] %}
            {% set system = messages[0]['content'] %}
        {% else %}
            {% set rest = messages %}
            {% set system = false %}
        {% endif %}
        {% for message in rest %}
            {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
                {{ raise_exception('user and assistant must take turns') }}
            {% endif %}
            {% if loop.index0 == 0 and system is not false %}
                {% set text = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + message['content'] %}
            {% else %}
                {% set text = message['content'] %}
            {% endif %}
            {% if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + text.strip() + ' [/INST]' -}}
            {% elif message['role'] == 'assistant' %}
        {{- ' ' + text.strip() + ' ' + eos_token -}}
            {% endif %}
        {%- endfor %}
        """;

    public const string Llama3 = """
        {%- set ns = namespace(first=true) %}
        {%- for message in messages %}
            {%- set block = '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ message.content | trim ~ '<|eot_id|>' %}
            {%- if ns.first %}
                {%- set block = bos_token + block %}
                {%- set ns.first = false %}
            {%- endif %}
            {{- block }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """;

    public const string Mistral = """
        {%- if messages[0].role == "system" %}
            {%- set system_message = messages[0].content %}
            {%- set loop_messages = messages[1:] %}
        {%- else %}
            {%- set loop_messages = messages %}
        {%- endif %}
        {{- bos_token }}
        {%- for message in loop_messages %}
            {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
                {{- raise_exception('Roles must alternate, user first.') }}
            {%- endif %}
            {%- if message["role"] == "user" %}
                {%- if loop.last and system_message is defined %}
                    {{- "[INST] " + system_message + "\n\n" + message["content"] + " [/INST]" }}
                {%- else %}
                    {{- "[INST] " + message["content"] + " [/INST]" }}
                {%- endif %}
            {%- else %}
                {{- " " + message["content"] | trim + eos_token }}
            {%- endif %}
        {%- endfor %}
        """;

    public const string Qwen2 = """
        {% for message in messages %}
        {% if loop.first and messages[0]['role'] != 'system' %}
        {{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}
        {{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}
        {% if add_generation_prompt %}
        {{ '<|im_start|>assistant\n' }}{% endif %}
        """;

    public const string Phi3 = """
        {% for m in messages %}{% if m['role'] in ['system', 'user', 'assistant'] and m['content'] %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}
        """;

    public const string Gemma2 = """
        {{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('There is no system role') }}{% endif %}{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}
        """;

    public const string Zephyr = """
        {% for message in messages %}
        {% if message['role'] == 'user' %}
        {{ '<|user|>\n' + message['content'] + eos_token }}
        {% elif message['role'] == 'system' %}
        {{ '<|system|>\n' + message['content'] + eos_token }}
        {% elif message['role'] == 'assistant' %}
        {{ '<|assistant|>\n'  + message['content'] + eos_token }}
        {% endif %}
        {% if loop.last and add_generation_prompt %}
        {{ '<|assistant|>' }}
        {% endif %}
        {% endfor %}
        """;

    /// <summary>Name, template, BOS, EOS, whether there is a system message, and the prompt.</summary>
    public static IEnumerable<object[]> All { get; } =
    [
        ["llama-2", Llama2, "<s>", "</s>", true, "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi there [/INST] Hello! </s>"
            + "<s>[INST] What is 2 + 2? [/INST]"],
        ["llama-2", Llama2, "<s>", "</s>", false, "<s>[INST] Hi there [/INST] Hello! </s><s>[INST] What is 2 + 2? [/INST]"],
        ["llama-3", Llama3, "<|begin_of_text|>", "<|eot_id|>", true, "<|begin_of_text|><|start_header_id|>system"
            + "<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|><|start_header_id|>user<|end_header_id|>"
            + "\n\nWhat is 2 + 2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"],
        ["mistral", Mistral, "<s>", "</s>", false,
            "<s>[INST] Hi there  [/INST] Hello!</s>[INST] What is 2 + 2? [/INST]"],
        ["mistral", Mistral, "<s>", "</s>", true,
            "<s>[INST] Hi there  [/INST] Hello!</s>[INST] Be brief.\n\nWhat is 2 + 2? [/INST]"],
        ["qwen2", Qwen2, "", "<|im_end|>", false, "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            + "<|im_start|>user\nHi there <|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\n"
            + "What is 2 + 2?<|im_end|>\n<|im_start|>assistant\n"],
        ["qwen2", Qwen2, "", "<|im_end|>", true, "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi there "
            + "<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n"
            + "<|im_start|>assistant\n"],
        ["phi3", Phi3, "<s>", "<|endoftext|>", true, "<|system|>\nBe brief.<|end|>\n<|user|>\nHi there <|end|>\n<|assistant|>"
            + "\nHello!<|end|>\n<|user|>\nWhat is 2 + 2?<|end|>\n<|assistant|>\n"],
        ["gemma2", Gemma2, "<bos>", "<eos>", false, "<bos><start_of_turn>user\nHi there<end_of_turn>\n<start_of_turn>model\n"
            + "Hello!<end_of_turn>\n<start_of_turn>user\nWhat is 2 + 2?<end_of_turn>\n<start_of_turn>model\n"],
        ["zephyr", Zephyr, "<s>", "</s>", true, "<|system|>\nBe brief.</s>\n<|user|>\nHi there </s>\n<|assistant|>\nHello!</s>"
            + "\n<|user|>\nWhat is 2 + 2?</s>\n<|assistant|>\n"],
    ];
}
