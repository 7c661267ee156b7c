import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.camunda.feel.FeelEngine;
import org.camunda.feel.FeelEngineClock;
import org.camunda.feel.api.EvaluationResult;
import org.camunda.feel.api.FeelEngineApi;
import org.camunda.feel.impl.DefaultValueMapper;
import org.camunda.feel.syntaxtree.ValDateTime;
import org.camunda.feel.syntaxtree.ValDayTimeDuration;
import org.camunda.feel.syntaxtree.ValLocalDateTime;
import org.camunda.feel.syntaxtree.ValLocalTime;
import org.camunda.feel.syntaxtree.ValYearMonthDuration;
import org.camunda.feel.syntaxtree.ZonedTime;
import org.camunda.feel.valuemapper.CustomValueMapper;
import org.camunda.feel.valuemapper.ValueMapper;
import scala.jdk.javaapi.CollectionConverters;

/** Answers `zeebe-mail feel --jsonl` cases with the real engine, in the same form. */
public final class Oracle {
  private static final JsonNodeFactory NODES = JsonNodeFactory.withExactBigDecimals(true);
  private static final FeelEngineApi PLAIN = engine(FeelEngine.defaultClock());

  /** Without the Java mapper of the service loader, which would turn every number into a double. */
  private static FeelEngineApi engine(FeelEngineClock clock) {
    ValueMapper mapper = new ValueMapper.CompositeValueMapper(
        CollectionConverters.asScala(List.<CustomValueMapper>of(DefaultValueMapper.instance())).toList());
    return new FeelEngineApi(new FeelEngine(
        FeelEngine.defaultFunctionProvider(), mapper, FeelEngine.defaultConfiguration(), clock));
  }

  public static void main(String[] arguments) throws Exception {
    ObjectMapper json = new ObjectMapper();
    json.setNodeFactory(NODES);
    json.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.USE_BIG_INTEGER_FOR_INTS);
    json.enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode request = json.readTree(line);
      ObjectNode answer = NODES.objectNode();
      answer.set("id", request.get("id"));
      try {
        evaluate(request, answer);
      } catch (Throwable failure) {
        answer.put("outcome", "failure").put("message", String.valueOf(failure));
      }
      out.println(json.writeValueAsString(answer));
    }
  }

  private static void evaluate(JsonNode request, ObjectNode answer) {
    FeelEngineApi engine = PLAIN;
    if (request.hasNonNull("clock")) {
      ZonedDateTime now = (ZonedDateTime) read(engine, request.get("clock"));
      engine = engine(new FeelEngineClock() {
        @Override
        public ZonedDateTime getCurrentTime() {
          return now;
        }
      });
    }
    Map<String, Object> context = new LinkedHashMap<>();
    if (request.hasNonNull("context")) {
      for (Map.Entry<String, JsonNode> entry : request.get("context").properties()) {
        context.put(entry.getKey(), read(engine, entry.getValue()));
      }
    }
    String text = request.get("expression").asText();
    EvaluationResult result;
    if ("unary-tests".equals(request.path("kind").asText())) {
      Object input = request.has("input") ? read(engine, request.get("input")) : null;
      result = engine.evaluateUnaryTests(text, input, context);
    } else {
      result = engine.evaluateExpression(text, context);
    }
    if (result.isSuccess()) {
      answer.put("outcome", "value").set("value", write(result.result()));
    } else {
      answer.put("outcome", "failure").put("message", result.failure().message());
    }
    ArrayNode warnings = answer.putArray("warnings");
    result.getSuppressedFailures().forEach(warning -> warnings.addObject()
        .put("type", warning.failureType().toString())
        .put("message", warning.failureMessage()));
  }

  private static Object read(FeelEngineApi engine, JsonNode node) {
    if (node.isNull()) {
      return null;
    } else if (node.isBoolean()) {
      return node.booleanValue();
    } else if (node.isNumber()) {
      return node.decimalValue();
    } else if (node.isTextual()) {
      return node.textValue();
    } else if (node.isArray()) {
      List<Object> items = new ArrayList<>();
      node.forEach(item -> items.add(read(engine, item)));
      return items;
    } else if (node.has("@type")) {
      String text = node.get("value").asText();
      boolean isSource = node.get("@type").asText().equals("function");
      return engine.evaluateExpression(isSource ? text : "@\"" + text + "\"", new LinkedHashMap<String, Object>()).result();
    }
    Map<String, Object> entries = new LinkedHashMap<>();
    node.properties().forEach(entry -> entries.put(entry.getKey(), read(engine, entry.getValue())));
    return entries;
  }

  private static JsonNode write(Object value) {
    if (value == null) {
      return NODES.nullNode();
    } else if (value instanceof Boolean flag) {
      return NODES.booleanNode(flag);
    } else if (value instanceof scala.math.BigDecimal number) {
      return NODES.numberNode(number.bigDecimal());
    } else if (value instanceof BigDecimal number) {
      return NODES.numberNode(number);
    } else if (value instanceof String text) {
      return NODES.textNode(text);
    } else if (value instanceof LocalDate) {
      return typed("date", value.toString());
    } else if (value instanceof LocalTime time) {
      return typed("time", new ValLocalTime(time).toString());
    } else if (value instanceof OffsetTime time) {
      // The mapper has dropped the zone of the time.
      return typed("time", ZonedTime.of(time).format());
    } else if (value instanceof LocalDateTime moment) {
      return typed("date and time", new ValLocalDateTime(moment).toString());
    } else if (value instanceof ZonedDateTime moment) {
      return typed("date and time", new ValDateTime(moment).toString());
    } else if (value instanceof Period months) {
      return typed("years and months duration", new ValYearMonthDuration(months).toString());
    } else if (value instanceof Duration length) {
      return typed("days and time duration", length.toString());
    } else if (value instanceof scala.collection.Map<?, ?> entries) {
      ObjectNode node = NODES.objectNode();
      CollectionConverters.asJava(entries).forEach((key, item) -> node.set(String.valueOf(key), write(item)));
      return node;
    } else if (value instanceof scala.collection.Iterable<?> items) {
      ArrayNode node = NODES.arrayNode();
      CollectionConverters.asJava(items).forEach(item -> node.add(write(item)));
      return node;
    }
    return typed(value.getClass().getSimpleName().replace("Val", "").toLowerCase(), value.toString());
  }

  private static ObjectNode typed(String type, String text) {
    return NODES.objectNode().put("@type", type).put("value", text);
  }
}
