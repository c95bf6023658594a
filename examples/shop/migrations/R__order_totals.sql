drop view if exists order_totals;

create view order_totals as
select orders.id as order_id,
       customers.email,
       sum(order_lines.quantity * order_lines.price_cents) as total_cents
  from orders
  join customers on customers.id = orders.customer_id
  join order_lines on order_lines.order_id = orders.id
 group by orders.id;
