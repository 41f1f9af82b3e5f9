// Makes the fixtures of batch_fixtures.rs with Kafka's own classes, and reads what Taffrail built:
//
//     java -cp "LIBS/*" BatchFixtures.java write DIRECTORY
//     java -cp "LIBS/*" BatchFixtures.java read FILE...
//
// LIBS holds kafka-clients 4.3.1 and what it depends on.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

public class BatchFixtures {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("write")) {
            write(Path.of(args[1]));
        } else {
            for (int i = 1; i < args.length; i++) {
                read(Path.of(args[i]));
            }
        }
    }

    static void write(Path directory) throws Exception {
        for (CompressionType type : CompressionType.values()) {
            MemoryRecordsBuilder builder = MemoryRecords.builder(
                ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2, Compression.of(type).build(),
                TimestampType.CREATE_TIME, 7L, RecordBatch.NO_TIMESTAMP, 4_000L, (short) 3, 90, true, 5);
            for (int i = 0; i < 200; i++) {
                byte[] key = i % 3 == 0 ? null : bytes("key-" + i);
                byte[] value = i % 7 == 0 ? null : bytes("value ".repeat(i) + i);
                Header[] headers = i % 5 != 0 ? new Header[0] : new Header[] {
                    new RecordHeader("näme", bytes("header " + i)), new RecordHeader("", null)};
                builder.append(1_700_000_000_000L + (i % 2 == 0 ? i : -i), key, value, headers);
            }
            save(directory.resolve(type.name + ".bin"), builder.build());
        }
        save(directory.resolve("commit.bin"), MemoryRecords.withEndTransactionMarker(
            42L, 1_700_000_000_000L, 5, 4_000L, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 11)));
    }

    /** Prints what Kafka reads, one line a record, with the checks that its brokers and consumers make. */
    static void read(Path file) throws Exception {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file)));
        for (RecordBatch batch : records.batches()) {
            batch.ensureValid();
            int count = 0;
            int hash = 0;
            for (Record record : batch) {
                count++;
                hash = 31 * hash + Long.hashCode(record.offset());
                hash = 31 * hash + Long.hashCode(record.timestamp());
                hash = 31 * hash + (record.key() == null ? 0 : record.key().hashCode());
                hash = 31 * hash + (record.value() == null ? 0 : record.value().hashCode());
                for (Header header : record.headers()) {
                    hash = 31 * hash + header.hashCode();
                }
            }
            System.out.println(file.getFileName() + " " + batch.compressionType().name + " base "
                + batch.baseOffset() + " records " + count + " max timestamp " + batch.maxTimestamp() + " hash " + hash);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void save(Path file, MemoryRecords records) throws Exception {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Files.write(file, bytes);
    }
}
