using System.Text;

namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Writes small stories from a grammar of our own: the text that the embedded model is trained, calibrated and
/// evaluated on. The same seed gives the same stories.</summary>
/// <remarks>A story has a hero, a friend, a place and a thing that is lost or wanted; names, pronouns and things are used
/// consistently through the story, so that a model has something to learn beyond single words.</remarks>
public static class StoryGrammar
{
    private static readonly (string Name, string Subject, string Object, string Possessive)[] s_heroes =
    [
        ("Mina", "she", "her", "her"), ("Tom", "he", "him", "his"), ("Ada", "she", "her", "her"),
        ("Ben", "he", "him", "his"), ("Lea", "she", "her", "her"), ("Max", "he", "him", "his"),
        ("Rosa", "she", "her", "her"), ("Finn", "he", "him", "his"), ("Zoe", "she", "her", "her"),
        ("Oskar", "he", "him", "his"),
    ];

    private static readonly string[] s_kinds = ["small", "brave", "quiet", "clever", "cheerful", "curious", "gentle"];
    private static readonly string[] s_animals = ["fox", "owl", "hare", "goat", "crow", "mouse", "dog", "frog", "duck"];
    private static readonly string[] s_places =
        ["the old mill", "the river", "the forest", "the market", "the hill", "the harbour", "the garden", "the barn"];
    private static readonly (string Thing, string Trait)[] s_things =
    [
        ("red kite", "flew high"), ("blue ball", "rolled fast"), ("silver bell", "rang clear"),
        ("wooden boat", "sailed well"), ("green hat", "kept warm"), ("little lamp", "shone bright"),
        ("yellow drum", "sounded loud"), ("paper crown", "looked grand"),
    ];

    private static readonly string[] s_weather =
        ["The sun was warm.", "It rained a little.", "The wind was strong.", "Snow lay on the ground.", "The sky was clear."];
    private static readonly string[] s_hidingPlaces =
        ["under a stone", "behind a tree", "in the tall grass", "on a branch", "in a deep hole", "beside the path"];
    private static readonly string[] s_meals = ["bread", "apples", "soup", "cheese", "pears", "cake"];
    private static readonly string[] s_lessons =
    [
        "A friend makes every road short.", "Who looks long enough will find.", "Sharing makes things better.",
        "It is good to say thank you.", "Even a small one can help.",
    ];

    /// <summary>Writes stories.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Seed; stories of different seeds are different draws.</param>
    /// <returns>The stories.</returns>
    public static IEnumerable<string> Write(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return WriteOne(random);
    }

    private static string WriteOne(Random random)
    {
        var hero = Pick(random, s_heroes);
        string animal = Pick(random, s_animals), place = Pick(random, s_places), meal = Pick(random, s_meals);
        (string thing, string trait) = Pick(random, s_things);
        var story = new StringBuilder();
        story.Append($"Once there was a {Pick(random, s_kinds)} child named {hero.Name}. ");
        story.Append($"{hero.Name} had a {thing} that {trait}, and {hero.Subject} took it everywhere. ");
        story.Append($"One day {hero.Name} went to {place}. {Pick(random, s_weather)} ");
        story.Append(random.Next(3) switch
        {
            0 => Lost(random, hero, thing, animal),
            1 => Shared(random, hero, thing, animal, meal),
            _ => Wished(random, hero, thing, animal, place),
        });
        story.Append($"Then {hero.Name} and the {animal} ate {meal} and went home. {Pick(random, s_lessons)}");
        return story.ToString();
    }

    private static string Lost(Random random, (string Name, string Subject, string Object, string Possessive) hero,
        string thing, string animal)
    {
        string hiding = Pick(random, s_hidingPlaces);
        return $"But the {thing} was gone! {hero.Name} looked {Pick(random, s_hidingPlaces)}, but it was not there. "
            + $"A {animal} saw {hero.Object} and asked, \"Why are you sad?\" \"I lost my {thing},\" said {hero.Name}. "
            + $"They looked together, and the {animal} found the {thing} {hiding}. "
            + $"\"Thank you,\" said {hero.Name}, and {hero.Subject} was glad. ";
    }

    private static string Shared(Random random, (string Name, string Subject, string Object, string Possessive) hero,
        string thing, string animal, string meal)
    {
        int number = random.Next(2, 8);
        return $"There {hero.Subject} met a {animal} who had {number} pieces of {meal}. \"May I play with your {thing}?\" "
            + $"asked the {animal}. {hero.Name} gave {hero.Possessive} {thing} to the {animal}, and the {animal} gave "
            + $"{hero.Object} the {meal}. They played until the evening. ";
    }

    private static string Wished(Random random, (string Name, string Subject, string Object, string Possessive) hero,
        string thing, string animal, string place)
    {
        string other = Pick(random, s_things).Thing;
        return $"At {place} a {animal} sat with a {other}. \"Your {other} is nice,\" said {hero.Name}. \"Your {thing} is nice "
            + $"too,\" said the {animal}. So {hero.Name} took the {other} and the {animal} took the {thing} for one hour. "
            + $"After that {hero.Subject} got {hero.Possessive} {thing} back. ";
    }

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];
}
