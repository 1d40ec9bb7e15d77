using System.Text;

namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Writes small stories from a grammar of our own: the text that the embedded model is trained, calibrated and
/// evaluated on. The same seed gives the same stories.</summary>
/// <remarks>A story has a child, an animal, a place, a thing and a meal, and one of six plots. Names, pronouns and
/// things stay the same through a story, and what is said of a thing fits it, so that a model has something to learn
/// beyond single words.</remarks>
public static class StoryGrammar
{
    private static readonly (string Name, bool IsGirl)[] s_children =
    [
        ("Mina", true), ("Tom", false), ("Ada", true), ("Ben", false), ("Lea", true), ("Max", false), ("Rosa", true),
        ("Finn", false), ("Zoe", true), ("Oskar", false),
    ];

    private static readonly string[] s_kinds = ["small", "brave", "quiet", "clever", "cheerful", "curious", "gentle"];
    private static readonly string[] s_animals = ["fox", "owl", "hare", "goat", "crow", "mouse", "dog", "frog", "duck"];
    private static readonly string[] s_places =
        ["the old mill", "the river", "the forest", "the market", "the hill", "the harbour", "the garden", "the barn"];
    private static readonly (string Name, string Trait)[] s_things =
    [
        ("red kite", "flew high"), ("blue ball", "rolled fast"), ("silver bell", "rang clear"),
        ("wooden boat", "sailed well"), ("green hat", "kept warm"), ("little lamp", "shone bright"),
        ("yellow drum", "sounded loud"), ("paper crown", "looked grand"),
    ];

    private static readonly string[] s_times =
        ["One day", "One morning", "In the spring", "Last winter", "Before supper"];
    private static readonly string[] s_weather =
    [
        "The sun was warm.", "It rained a little.", "The wind was strong.", "Snow lay on the ground.",
        "The sky was clear.",
    ];

    private static readonly string[] s_hidingPlaces =
        ["under a stone", "behind a tree", "in the tall grass", "on a branch", "in a deep hole", "beside the path"];
    private static readonly string[] s_meals = ["bread", "apples", "soup", "cheese", "pears", "cake"];
    private static readonly string[] s_numbers = ["two", "three", "four", "five", "six", "seven"];
    private static readonly string[] s_troubles =
        ["a thorn in its foot", "no food at home", "a cold nose", "lost its way"];
    private static readonly string[] s_lessons =
    [
        "A friend makes every road short.", "Who looks long enough will find.", "Sharing makes things better.",
        "It is good to say thank you.", "Even a small one can help.", "The next day they met again.",
    ];

    /// <summary>Writes stories.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Seed; stories of different seeds are different draws.</param>
    /// <returns>The stories.</returns>
    public static IEnumerable<string> Write(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return new Story(random).Write();
    }

    /// <summary>One story: what was drawn for it, and its sentences.</summary>
    private sealed class Story
    {
        private readonly Random _random;
        private readonly StringBuilder _text = new();
        private readonly string _name;
        private readonly string _she;
        private readonly string _her;
        private readonly string _hers;
        private readonly string _animal;
        private readonly string _place;
        private readonly string _meal;
        private readonly (string Name, string Trait) _thing;

        public Story(Random random)
        {
            _random = random;
            (_name, bool isGirl) = Pick(s_children);
            (_she, _her, _hers) = isGirl ? ("she", "her", "her") : ("he", "him", "his");
            _animal = Pick(s_animals);
            _place = Pick(s_places);
            _meal = Pick(s_meals);
            _thing = Pick(s_things);
        }

        public string Write()
        {
            Say($"Once there was a {Pick(s_kinds)} child named {_name}.");
            Say(Pick(
                $"{_name} had a {_thing.Name} that {_thing.Trait}, and {_she} took it everywhere.",
                $"{_name} liked {_hers} {_thing.Name}, because it {_thing.Trait}."));
            Say($"{Pick(s_times)} {_name} went to {_place}.");
            if (Chance()) Say(Pick(s_weather));
            Action[] plots = [Lost, Shared, Wished, Helped, Raced, Hidden];
            Pick(plots)();
            Say(Pick(
                $"Then {_name} and the {_animal} ate {_meal} and went home.",
                $"At night {_name} told {_hers} mother about the {_animal}.",
                $"{_name} and the {_animal} stayed friends."));
            if (Chance()) Say(Pick(s_lessons));
            return _text.ToString();
        }

        private void Lost()
        {
            Say($"But the {_thing.Name} was gone! {_name} looked {Pick(s_hidingPlaces)}, but it was not there.");
            Say($"A {_animal} saw {_her} and asked, \"Why are you sad?\" \"I lost my {_thing.Name},\" said {_name}.");
            Say($"They looked together, and the {_animal} found the {_thing.Name} {Pick(s_hidingPlaces)}.");
            Say($"\"Thank you,\" said {_name}, and {_she} was glad.");
        }

        private void Shared()
        {
            Say($"There {_she} met a {_animal} who had {Pick(s_numbers)} pieces of {_meal}.");
            Say($"\"May I play with your {_thing.Name}?\" asked the {_animal}.");
            Say($"{_name} gave {_hers} {_thing.Name} to the {_animal}, and the {_animal} gave {_her} the {_meal}.");
            Say("They played until the evening.");
        }

        private void Wished()
        {
            string other = Pick(s_things.Where(thing => thing != _thing).ToArray()).Name;
            Say($"There a {_animal} sat with a {other}. \"Your {other} is nice,\" said {_name}.");
            Say($"\"Your {_thing.Name} is nice too,\" said the {_animal}.");
            Say($"So {_name} took the {other} and the {_animal} took the {_thing.Name} for one hour.");
            Say($"After that {_she} got {_hers} {_thing.Name} back.");
        }

        private void Helped()
        {
            Say($"There {_she} met a {_animal} that had {Pick(s_troubles)}.");
            Say($"\"Can you help me?\" asked the {_animal}. \"Yes, I can,\" said {_name}.");
            Say($"{_name} put the {_thing.Name} down and helped the {_animal}.");
            Say($"The {_animal} thanked {_her} with {_meal}.");
        }

        private void Raced()
        {
            bool childWins = Chance();
            Say($"A {_animal} came and said, \"I am faster than you!\"");
            Say($"\"Let us run to {OtherPlace()},\" said {_name}.");
            Say(childWins
                ? $"They ran and ran. The {_animal} stopped to eat {_meal}, and {_name} was first."
                : $"They ran and ran. {_name} fell, and the {_animal} was first. \"You are fast,\" said {_name}.");
        }

        private void Hidden()
        {
            string hiding = Pick(s_hidingPlaces);
            Say($"{Capital(hiding)} {_she} saw a {_animal}. The {_animal} was afraid and did not come out.");
            Say($"{_name} sat down and waited. {Capital(_she)} put some {_meal} {hiding}.");
            Say($"Soon the {_animal} came out, ate the {_meal} and looked at the {_thing.Name}.");
        }

        private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

        private string OtherPlace() => Pick(s_places.Where(place => place != _place).ToArray());

        private void Say(string sentence)
        {
            if (_text.Length > 0) _text.Append(' ');
            _text.Append(sentence);
        }

        private bool Chance() => _random.Next(2) == 0;

        private T Pick<T>(params T[] items) => items[_random.Next(items.Length)];
    }
}
