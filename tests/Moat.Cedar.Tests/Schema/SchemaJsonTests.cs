namespace Moat.Cedar.Tests.Schema;

public sealed class SchemaJsonTests
{
    private const string Empty = "\"entityTypes\": {}, \"actions\": {}";

    [Fact]
    public void The_JSON_form_says_what_the_Cedar_form_says()
    {
        var json = """
            {
              "App": {
                "commonTypes": { "Name": { "type": "String", "annotations": { "doc": "x" } } },
                "entityTypes": {
                  "User": {
                    "memberOfTypes": ["Group"],
                    "shape": { "type": "Record", "attributes": {
                      "name": { "type": "Name" }, "age": { "type": "Long", "required": false }, "boss": { "type": "Entity", "name": "User" },
                      "home": { "type": "Extension", "name": "ipaddr" }, "any": { "type": "EntityOrCommon", "name": "Group" }, "yes": { "type": "Boolean" } } },
                    "tags": { "type": "Set", "element": { "type": "String" } }
                  },
                  "Group": { "enum": ["a"] }
                },
                "actions": {
                  "view": { "memberOf": [{ "id": "all" }, { "id": "all", "type": "App::Action" }], "appliesTo": { "principalTypes": ["User"], "resourceTypes": ["App::Group"], "context": { "type": "Ctx" } } },
                  "all": { "appliesTo": null, "memberOf": null, "attributes": null }
                },
                "annotations": { "n": null }
              },
              "": { "commonTypes": { "Ctx": { "type": "Record", "attributes": {}, "additionalAttributes": false } }, "entityTypes": {}, "actions": {} }
            }
            """;
        Assert.True(SchemaFragment.TryParseJson(json, out var schema, out _));
        Assert.True(CedarSchema.TryResolve([schema], out var resolved, out _));
        Assert.Equal("{age?: Long, any: App::Group, boss: App::User, home: ipaddr, name: String, yes: Bool}", resolved.Find(new EntityType("App::User"))!.Attributes.ToString());
        Assert.Equal(
            """
            type Ctx = {};

            @n
            namespace App {
              @doc("x")
              type Name = __cedar::String;

              entity Group enum ["a"];

              entity User in [Group] = {
                age?: __cedar::Long,
                any: Group,
                boss: User,
                home: __cedar::ipaddr,
                name: Name,
                yes: __cedar::Bool
              } tags Set<__cedar::String>;

              action "all";

              action "view" in ["all", App::Action::"all"] appliesTo {
                principal: [User],
                resource: [App::Group],
                context: Ctx
              };
            }

            """,
            schema.ToCedar());
        Assert.True(SchemaFragment.TryParseJson(schema.ToJson(), out var again, out _));
        Assert.Equal(schema.ToJson(), again.ToJson());
    }

    [Theory]
    [InlineData("", "the schema is no JSON")]
    [InlineData("[]", "at the root: an object belongs here")]
    [InlineData("{\"\": {}}", "at /: `entityTypes` is missing")]
    [InlineData("{\"\": {" + Empty + ", \"more\": 1}}", "at //more: nothing of this name belongs here")]
    [InlineData("{\"\": {" + Empty + "}, \"\": {" + Empty + "}}", "the schema is no JSON")]
    [InlineData("{\"\": {" + Empty + ", \"annotations\": {\"a\": \"b\"}}}", "at /: there are no annotations outside a namespace")]
    [InlineData("{\"a b\": {" + Empty + "}}", "at /a b: this is no name of a namespace")]
    [InlineData("{\"__cedar\": {" + Empty + "}}", "at /__cedar: this is no name of a namespace")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"enum\": []}}, \"actions\": {}}}", "at //entityTypes/A/enum: an enumerated type needs one id at least")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"enum\": [\"a\"], \"tags\": {\"type\": \"Long\"}}}, \"actions\": {}}}", "at //entityTypes/A: an enumerated type has no parents")]
    [InlineData("{\"\": {\"entityTypes\": {\"Action\": {}}, \"actions\": {}}}", "at //entityTypes/Action: the entity type `Action` is there")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"tags\": {\"type\": \"Set\"}}}, \"actions\": {}}}", "at //entityTypes/A/tags: `element` is missing")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"tags\": {\"type\": \"Long\", \"name\": \"x\"}}}, \"actions\": {}}}", "at //entityTypes/A/tags/name: nothing of this name belongs here")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"tags\": {\"type\": \"a b\"}}}, \"actions\": {}}}", "at //entityTypes/A/tags/type: this is no type")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"Record\", \"attributes\": {}, \"additionalAttributes\": true}}}, \"actions\": {}}}", "are not supported")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"Long\"}}}, \"actions\": {}}}", "the shape of `A` is no record but Long")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"A\"}}}, \"actions\": {}}}", "no common type `A` is declared")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"tags\": {\"type\": \"Extension\", \"name\": \"ip\"}}}, \"actions\": {}}}", "there is no extension type `ip`")]
    [InlineData("{\"\": {\"entityTypes\": {}, \"actions\": {\"a/b\": {\"attributes\": {}}}}}", "at //actions/a~1b/attributes: actions have no attributes")]
    [InlineData("{\"\": {\"entityTypes\": {}, \"actions\": {\"a\": {\"appliesTo\": {\"principalTypes\": []}}}}}", "at //actions/a/appliesTo: `resourceTypes` is missing")]
    [InlineData("{\"\": {\"entityTypes\": {}, \"actions\": {\"a\": {\"memberOf\": [{}]}}}}", "at //actions/a/memberOf/0: `id` is missing")]
    [InlineData("{\"\": {\"entityTypes\": {\"A\": {\"enum\": [\"\\ud800\"]}}, \"actions\": {}}}", "half a surrogate pair")]
    public void An_error_is_reported_with_its_path(string json, string message)
    {
        Assert.False(CedarSchema.TryParseJson(json, out _, out var diagnostics));
        Assert.Contains(diagnostics, d => d.Message.Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"N\": {\"commonTypes\": {\"A\": {\"type\": \"Long\"}}, \"entityTypes\": {\"A\": {}}, \"actions\": {}}}", "`N::A` is an entity type and a common type")]
    [InlineData("{\"\": {\"commonTypes\": {\"R\": {\"type\": \"Record\", \"attributes\": {}}}, \"entityTypes\": {\"A\": {\"shape\": {\"type\": \"R\"}}}, \"actions\": {}}}", "the shape of `A` is no record but the name of one")]
    public void What_the_Cedar_form_cannot_say_is_refused_there_and_only_there(string json, string message)
    {
        Assert.True(SchemaFragment.TryParseJson(json, out var fragment, out _));
        Assert.True(CedarSchema.TryResolve([fragment], out _, out _));
        Assert.Contains(message, Assert.Single(Assert.Throws<CedarException>(fragment.ToCedar).Diagnostics).Message, StringComparison.Ordinal);
    }
}
