import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Random;
import java.util.TreeMap;
import java.util.jar.JarFile;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;

/**
 * Asks Apache Kafka what bytes its messages have: for every message and version in its jars, a few
 * objects, from their JSON through Kafka's converters to Kafka's encoders.
 *
 * <p>A line of the output is a message's name, its version, the bytes in hexadecimal and the JSON that
 * Kafka's converter shows of it, with tabs in between. The same seed gives the same lines.
 */
public final class Oracle {
    private static final long SEED = 20260801;
    private static final int RANDOM_SAMPLES = 6;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** A generated class of Kafka's, with its converter if it has one. */
    private record Subject(String name, Class<?> data, Class<?> converter) {}

    public static void main(String[] args) throws Exception {
        int lines = 0;
        TreeMap<String, Subject> subjects = subjects(Path.of(args[0]));
        try (Writer file = Files.newBufferedWriter(Path.of(args[1]), StandardCharsets.UTF_8);
                PrintWriter out = new PrintWriter(file)) {
            for (Subject subject : subjects.values()) {
                short low = (short) constant(subject, "LOWEST_SUPPORTED_VERSION");
                short high = (short) constant(subject, "HIGHEST_SUPPORTED_VERSION");
                for (short version = low; version <= high; version++) {
                    lines += samples(subject, version, out);
                }
            }
        }
        System.err.println(subjects.size() + " messages, " + lines + " samples");
    }

    /** The classes with a converter, and the one of Kafka Streams that has none, by their names. */
    private static TreeMap<String, Subject> subjects(Path jars) throws Exception {
        TreeMap<String, Subject> subjects = new TreeMap<>();
        try (var files = Files.list(jars)) {
            for (Path jar : files.filter(path -> path.getFileName().toString().startsWith("kafka-")).toList()) {
                try (JarFile file = new JarFile(jar.toFile())) {
                    for (var entry : file.stream().toList()) {
                        String path = entry.getName();
                        if (path.endsWith("JsonConverter.class") && !path.contains("$")) {
                            add(subjects, path.substring(0, path.length() - ".class".length()).replace('/', '.'));
                        }
                    }
                }
            }
        }
        Class<?> streams = Class.forName("org.apache.kafka.streams.internals.generated.SubscriptionInfoData");
        subjects.put(streams.getSimpleName(), new Subject(streams.getSimpleName(), streams, null));
        return subjects;
    }

    private static void add(TreeMap<String, Subject> subjects, String converter) throws Exception {
        Class<?> data = Class.forName(converter.substring(0, converter.length() - "JsonConverter".length()));
        String name = data.getSimpleName().replaceFirst("(Request|Response|Header)Data$", "$1");
        subjects.put(name, new Subject(name, data, Class.forName(converter)));
    }

    private static Object constant(Subject subject, String name) throws Exception {
        return subject.data().getField(name).get(null);
    }

    private static int samples(Subject subject, short version, PrintWriter out) throws Exception {
        Schema[] schemas = (Schema[]) constant(subject, "SCHEMAS");
        Schema schema = schemas[version];
        // A generator for each message and version, so that a new message leaves the others' lines alone.
        Random random = new Random(SEED ^ ((long) subject.name().hashCode() << 16) ^ version);
        int lines = 0;
        ApiMessage defaults = (ApiMessage) subject.data().getDeclaredConstructor().newInstance();
        lines += line(subject, version, defaults, out);
        for (RandomJson.Shape shape : RandomJson.Shape.values()) {
            int count = shape == RandomJson.Shape.MIXED ? RANDOM_SAMPLES : 1;
            for (int i = 0; i < count; i++) {
                JsonNode json = new RandomJson(random, shape).of(schema);
                ApiMessage message = read(subject, schema, json, version);
                if (shape != RandomJson.Shape.LEAST && RandomJson.isFlexible(schema)) {
                    addUnknownTags(message, random);
                }
                lines += line(subject, version, message, out);
            }
        }
        return lines;
    }

    private static ApiMessage read(Subject subject, Schema schema, JsonNode json, short version) throws Exception {
        if (subject.converter() != null) {
            Method read = subject.converter().getMethod("read", JsonNode.class, short.class);
            return (ApiMessage) call(read, json, version);
        }
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        schema.write(bytes, RandomJson.toStruct(schema, json));
        bytes.flip();
        ApiMessage message = (ApiMessage) subject.data().getDeclaredConstructor().newInstance();
        message.read(new ByteBufferAccessor(bytes), version);
        return message;
    }

    private static Object call(Method method, Object... args) throws Exception {
        try {
            return method.invoke(null, args);
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** Gives some of the structs fields under tags that no schema knows. */
    private static void addUnknownTags(Message message, Random random) throws ReflectiveOperationException {
        int tag = 100;
        for (int i = random.nextInt(3); i > 0; i--) {
            tag += 1 + random.nextInt(100);
            byte[] data = new byte[random.nextInt(4)];
            random.nextBytes(data);
            message.unknownTaggedFields().add(new RawTaggedField(tag, data));
        }
        for (var field : message.getClass().getDeclaredFields()) {
            if (java.lang.reflect.Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            field.setAccessible(true);
            Object value = field.get(message);
            if (value instanceof Message inner) {
                // A struct that the version lacks has to stay what it is by default.
                if (!inner.equals(inner.getClass().getDeclaredConstructor().newInstance())) {
                    addUnknownTags(inner, random);
                }
            } else if (value instanceof Collection<?> elements) {
                for (Object element : elements) {
                    if (element instanceof Message inner) {
                        addUnknownTags(inner, random);
                    }
                }
            }
        }
    }

    private static int line(Subject subject, short version, ApiMessage message, PrintWriter out) throws Exception {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(bytes), cache, version);
        out.printf(
                "%s\t%d\t%s\t%s\n",
                subject.name(), version, HexFormat.of().formatHex(bytes.array(), 0, bytes.position()),
                json(subject, version, message));
        return 1;
    }

    /** The JSON of the converter; a dash where there is no converter. */
    private static String json(Subject subject, short version, ApiMessage message) throws Exception {
        if (subject.converter() == null) {
            return "-";
        }
        for (Method write : subject.converter().getMethods()) {
            if (write.getName().equals("write") && write.getParameterCount() == 2) {
                return text((JsonNode) call(write, message, version));
            }
        }
        throw new IllegalStateException(subject.name() + " has a converter that can't write");
    }

    private static String text(JsonNode json) throws IOException {
        return MAPPER.writeValueAsString(json);
    }
}
