import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ShortNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/** Random values of a schema, in the JSON that Kafka's converters read. */
final class RandomJson {
    /** How much of what may be absent is there. */
    enum Shape {
        /** Nulls, empty arrays, no tagged fields. */
        LEAST,
        /** No nulls, two elements in each array, all tagged fields. */
        FULL,
        /** As it comes. */
        MIXED
    }

    private static final String[] LETTERS = {"a", "b", "Z", "0", "-", "_", ".", "é", "名", "😀", "\"", "\\", " "};

    private final Random random;
    private final Shape shape;

    RandomJson(Random random, Shape shape) {
        this.random = random;
        this.shape = shape;
    }

    /** Whether structs of the schema end with tagged fields. */
    static boolean isFlexible(Schema schema) {
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields) {
                return true;
            }
        }
        return false;
    }

    JsonNode of(Schema schema) throws ReflectiveOperationException {
        ObjectNode node = new ObjectNode(JsonNodeFactory.instance);
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                addTagged(node, tagged);
            } else {
                node.set(camelCase(field.def.name), value(field.def.type));
            }
        }
        return node;
    }

    private void addTagged(ObjectNode node, TaggedFields tagged) throws ReflectiveOperationException {
        for (var field : fields(tagged).values()) {
            if (shape == Shape.FULL || (shape == Shape.MIXED && random.nextBoolean())) {
                node.set(camelCase(field.name), value(field.type));
            }
        }
    }

    /** Kafka keeps the fields behind the tags to itself. */
    @SuppressWarnings("unchecked")
    private static Map<Integer, org.apache.kafka.common.protocol.types.Field> fields(TaggedFields tagged)
            throws ReflectiveOperationException {
        Field fields = TaggedFields.class.getDeclaredField("fields");
        fields.setAccessible(true);
        return (Map<Integer, org.apache.kafka.common.protocol.types.Field>) fields.get(tagged);
    }

    private boolean isAbsent() {
        return shape == Shape.LEAST || (shape == Shape.MIXED && random.nextInt(3) == 0);
    }

    private JsonNode value(Type type) throws ReflectiveOperationException {
        if (type.isNullable() && isAbsent()) {
            return NullNode.instance;
        }
        if (type instanceof Schema schema) {
            return of(schema);
        }
        if (type.arrayElementType().isPresent()) {
            return array(type.arrayElementType().get());
        }
        // The names of the types, such as COMPACT_NULLABLE_STRING, without what the encoding adds.
        String name = type.toString().replace("COMPACT_", "").replace("NULLABLE_", "");
        return switch (name) {
            case "BOOLEAN" -> BooleanNode.valueOf(random.nextBoolean());
            case "INT8" -> new ShortNode((byte) number());
            case "INT16" -> new ShortNode((short) number());
            case "UINT16" -> new IntNode((int) number() & 0xffff);
            case "INT32" -> new IntNode((int) number());
            case "UINT32" -> new LongNode(number() & 0xffffffffL);
            case "INT64" -> new LongNode(number());
            case "FLOAT64" -> new DoubleNode(random.nextBoolean() ? 0.0 : random.nextGaussian() * 1e6);
            case "UUID" -> new TextNode(new Uuid(number(), number()).toString());
            case "STRING" -> new TextNode(text());
            case "BYTES", "RECORDS" -> new BinaryNode(bytes());
            default -> throw new IllegalArgumentException("unknown type " + type);
        };
    }

    private ArrayNode array(Type element) throws ReflectiveOperationException {
        ArrayNode node = new ArrayNode(JsonNodeFactory.instance);
        int length = switch (shape) {
            case LEAST -> 0;
            case FULL -> 2;
            case MIXED -> random.nextInt(3);
        };
        for (int i = 0; i < length; i++) {
            node.add(value(element));
        }
        return node;
    }

    /** A number of any size up to 64 bits, so that cutting it to fewer meets small ones, too. */
    private long number() {
        return random.nextLong() >> random.nextInt(64);
    }

    private String text() {
        if (shape == Shape.LEAST) {
            return "";
        }
        // Now and then long enough for two bytes of a varint.
        int length = random.nextInt(12) == 0 ? 70 + random.nextInt(60) : random.nextInt(6);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(LETTERS[random.nextInt(LETTERS.length)]);
        }
        return text.toString();
    }

    private byte[] bytes() {
        byte[] bytes = new byte[shape == Shape.LEAST ? 0 : random.nextInt(8)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static String camelCase(String snake) {
        StringBuilder name = new StringBuilder();
        boolean capital = false;
        for (char letter : snake.toCharArray()) {
            if (letter == '_') {
                capital = true;
            } else {
                name.append(capital ? Character.toUpperCase(letter) : letter);
                capital = false;
            }
        }
        // The one run of capitals in Kafka's names, which snake case forgets.
        return name.toString().replaceFirst("^kraft", "kRaft");
    }

    /** The JSON as a struct of the schema: for the one class that has no converter, and no tagged fields. */
    static Struct toStruct(Schema schema, JsonNode json) throws IOException {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) {
            struct.set(field, toObject(field.def.type, json.get(camelCase(field.def.name))));
        }
        return struct;
    }

    private static Object toObject(Type type, JsonNode json) throws IOException {
        if (json.isNull()) {
            return null;
        }
        if (type instanceof Schema schema) {
            return toStruct(schema, json);
        }
        if (type.arrayElementType().isPresent()) {
            Object[] elements = new Object[json.size()];
            for (int i = 0; i < elements.length; i++) {
                elements[i] = toObject(type.arrayElementType().get(), json.get(i));
            }
            return elements;
        }
        return switch (type.toString()) {
            case "INT8" -> (byte) json.intValue();
            case "INT16" -> json.shortValue();
            case "INT32" -> json.intValue();
            case "INT64" -> json.longValue();
            case "UUID" -> Uuid.fromString(json.textValue());
            case "STRING", "NULLABLE_STRING" -> json.textValue();
            case "BYTES", "NULLABLE_BYTES" -> ByteBuffer.wrap(json.binaryValue());
            default -> throw new IllegalArgumentException("unknown type " + type);
        };
    }
}
